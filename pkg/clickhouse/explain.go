package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"syscall"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// ErrAddress says that an address cannot be one of ClickHouse's HTTP interface: the settings are wrong, not the network.
var ErrAddress = errors.New("use host:port of the HTTP interface, without a scheme, such as 127.0.0.1:8123")

// checkAddresses says what is wrong with the form of the addresses.
func checkAddresses(addrs string) error {
	if strings.TrimSpace(addrs) == "" {
		return fmt.Errorf("no address of ClickHouse, set TRIBUTARY_CLICKHOUSE_ADDR or --clickhouse: %w", ErrAddress)
	}
	for _, a := range strings.Split(addrs, ",") {
		host, port, err := net.SplitHostPort(a)
		if err != nil || host == "" || port == "" || strings.ContainsAny(a, "/ @") {
			return fmt.Errorf("%q is no address of ClickHouse: %w", a, ErrAddress)
		}
	}
	return nil
}

// explained is one sentence for a person that keeps its cause for the code.
type explained struct {
	text  string
	cause error
}

func (e explained) Error() string { return e.text }
func (e explained) Unwrap() error { return e.cause }

// Codes of ClickHouse's exceptions that a wrong setting or a missing step brings about.
const (
	codeUnknownTable     = 60
	codeUnknownDatabase  = 81
	codeUnknownUser      = 192
	codeWrongPassword    = 193
	codeRequiredPassword = 194
	codeAccessDenied     = 497
	codeAuthentication   = 516
)

// Missing tells whether an error says that a table, a view or a database is not there.
func Missing(err error) bool {
	var ex *ch.Exception
	return errors.As(err, &ex) && (ex.Code == codeUnknownTable || ex.Code == codeUnknownDatabase)
}

// explain makes one sentence of what the client and the server say, which can be a page.
func (d *DB) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var ex *ch.Exception
	if errors.As(err, &ex) {
		return explained{exception(ex), err}
	}
	const do = "start it, or set TRIBUTARY_CLICKHOUSE_ADDR or --clickhouse to where its HTTP interface is"
	var name *net.DNSError
	var timeout net.Error
	text := err.Error()
	switch {
	case errors.As(err, &name):
		text = fmt.Sprintf("no host has the name %s of ClickHouse at %s: %s", name.Name, d.addr, do)
	case errors.Is(err, syscall.ECONNREFUSED):
		text = fmt.Sprintf("no ClickHouse listens at %s: %s", d.addr, do)
	case strings.Contains(text, "clickhouse-client program"), strings.Contains(text, "malformed HTTP"):
		text = fmt.Sprintf("%s is not ClickHouse's HTTP interface (its native port?): set TRIBUTARY_CLICKHOUSE_ADDR or --clickhouse to the HTTP port, usually 8123", d.addr)
	case errors.As(err, &timeout) && timeout.Timeout(), strings.Contains(text, "acquire conn timeout"), errors.Is(err, context.DeadlineExceeded):
		text = fmt.Sprintf("ClickHouse at %s does not answer in time: %s", d.addr, do)
	case strings.Contains(text, "[HTTP "), strings.Contains(text, "EOF"), strings.Contains(text, "server closed"), errors.Is(err, syscall.ECONNRESET):
		text = fmt.Sprintf("what answers at %s is no ClickHouse: %s", d.addr, do)
	default:
		return err
	}
	return explained{text, err}
}

// exception is the first sentence of what the server says, and what to do where we know it.
func exception(ex *ch.Exception) string {
	what := firstSentence(ex.Message)
	switch ex.Code {
	case codeUnknownUser, codeWrongPassword, codeRequiredPassword, codeAuthentication:
		return "ClickHouse refuses the account: set TRIBUTARY_CLICKHOUSE_USER and TRIBUTARY_CLICKHOUSE_PASSWORD, or --user and --password"
	case codeAccessDenied:
		return "the account of ClickHouse may not do this: grant it, or use another account: " + what
	case codeUnknownDatabase, codeUnknownTable:
		return what + " (create what is ours with: tributary migrate)"
	}
	return "check the statement, ClickHouse says: " + what
}

var (
	comments = regexp.MustCompile(`(?s)/\*.*?\*/`)
	trailers = regexp.MustCompile(`\. (Expected one of|\(|Stack trace)`)
)

// firstSentence cuts a server's message where its lists of tokens, scopes and stacks begin, and makes it one line.
func firstSentence(message string) string {
	text := strings.Join(strings.Fields(comments.ReplaceAllString(message, "")), " ")
	text = strings.ReplaceAll(text, " . ", ". ")
	if at := trailers.FindStringIndex(text); at != nil {
		text = text[:at[0]]
	}
	const most = 300
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strings.TrimRight(text, " .")
}
