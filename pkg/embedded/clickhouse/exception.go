package clickhouse

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// exception is an error as ClickHouse words it: "Code: 60. DB::Exception: ... (UNKNOWN_TABLE)".
type exception struct {
	code int
	text string
}

func (e *exception) Error() string { return e.text }

var codePrefix = regexp.MustCompile(`^Code: (\d+)\.`)

// newException reads the engine's error text. What carries no code gets ClickHouse's code for such errors.
func newException(text string) *exception {
	text = strings.TrimSpace(text)
	if m := codePrefix.FindStringSubmatch(text); m != nil {
		code, err := strconv.Atoi(m[1])
		if err == nil {
			return &exception{code, text}
		}
	}
	return fail(1002, "UNKNOWN_EXCEPTION", "%s", text)
}

// unmarked takes the front's comment out of an error that quotes its statement.
func unmarked(err error, mark string) error {
	var ex *exception
	if !errors.As(err, &ex) {
		return err
	}
	text := strings.ReplaceAll(ex.text, "\n"+mark, "")
	return &exception{ex.code, strings.ReplaceAll(text, mark, "")}
}

func fail(code int, name, format string, args ...any) *exception {
	return &exception{code, fmt.Sprintf("Code: %d. DB::Exception: %s. (%s)", code, strings.TrimSuffix(fmt.Sprintf(format, args...), "."), name)}
}

// unsupported names what a real server has and this front has not.
func unsupported(format string, args ...any) *exception {
	return fail(codeNotImplemented, "NOT_IMPLEMENTED", "the embedded engine does not support "+format, args...)
}

// Codes that the front uses by itself.
const (
	codeNotImplemented  = 48
	codeSyntax          = 62
	codeReadonly        = 164
	codeNoSession       = 372
	codeSessionLocked   = 373
	codeCancelled       = 394
	codeUnknownRole     = 511
	codeAuthentication  = 516
	codeBadArguments    = 36
	codeTooMany         = 202
	codeCannotUncompess = 271
)

// status is the HTTP status of an exception, after ClickHouse's exceptionCodeToHTTPStatus.
func (e *exception) status() int {
	switch e.code {
	case 194: // REQUIRED_PASSWORD
		return http.StatusUnauthorized
	case 192, 193, codeAuthentication: // UNKNOWN_USER, WRONG_PASSWORD
		return http.StatusForbidden
	case 6, 15, 25, 26, 27, codeBadArguments, 37, 38, 41, 43, 44, 53, codeSyntax, 72, 117, 123, 167, 168, 223, 321, 376, 427, 441, 675, 676:
		return http.StatusBadRequest // the statement or its values do not parse
	case 46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 139, 152, 336, codeNoSession, codeUnknownRole:
		return http.StatusNotFound // unknown function, identifier, type, table, format, database, setting ...
	case 229: // QUERY_IS_TOO_LARGE
		return http.StatusRequestEntityTooLarge
	case codeNotImplemented:
		return http.StatusNotImplemented
	case 76, 209, 439: // CANNOT_OPEN_FILE, SOCKET_TIMEOUT, CANNOT_SCHEDULE_TASK
		return http.StatusServiceUnavailable
	case 381: // HTTP_LENGTH_REQUIRED
		return http.StatusLengthRequired
	case 159: // TIMEOUT_EXCEEDED
		return http.StatusRequestTimeout
	}
	return http.StatusInternalServerError
}
