package clickhouse

import (
	"io"
	"net/http"
	"strconv"
	"strings"
)

// query is a statement and, for an INSERT ... FORMAT, its rows.
type query struct {
	statement
	text string
	// added is how much longer the values of parameters made the text.
	added int
	body  io.Reader
}

// readQuery puts together what URL and body carry. With a query in the URL, the body goes on where it ends: it is
// the rows of an INSERT, or the rest of the text.
func readQuery(r *http.Request, o options, form bool) (query, error) {
	if form {
		return finish(understand(o.query, o.params), strings.NewReader(""), o)
	}
	body, err := decompressed(r, o.decompress)
	if err != nil {
		return query{}, err
	}
	q := understand(o.query, o.params)
	if !q.insert {
		rest, err := io.ReadAll(body)
		if err != nil {
			return query{}, fail(codeCannotUncompess, "CANNOT_DECOMPRESS", "read the request's body: %v", err)
		}
		if text := string(rest); o.query == "" {
			q = understand(text, o.params)
		} else if text != "" {
			q = understand(o.query+"\n"+text, o.params)
		}
		body = strings.NewReader("")
	}
	return finish(q, body, o)
}

// maxQuery is ClickHouse's default of max_query_size, in bytes.
const maxQuery = 256 << 10

// finish checks the query and gives it its rows.
func finish(q query, rows io.Reader, o options) (query, error) {
	q.body = io.MultiReader(strings.NewReader(q.data), rows)
	if q.added > 0 && len(q.text) > maxQuery && o.settings["max_query_size"] == "" {
		o.settings["max_query_size"] = strconv.Itoa(maxQuery + q.added + markSize) // a server does not count values
	}
	if err := q.check(o.readonly); err != nil || q.verb != "KILL" {
		return q, err
	}
	var err error
	q.text, err = killByClientsID(q.text)
	return q, err
}

// understand parses the text, with values in the place of parameters.
func understand(text string, params map[string]string) query {
	s := parse(text)
	if len(s.holes) > 0 && len(params) > 0 {
		with := inline(text, s.holes, params)
		return query{statement: parse(with), text: with, added: len(with) - len(text)}
	}
	return query{statement: s, text: text}
}

// check refuses what a server refuses over HTTP.
func (q query) check(readonly bool) error {
	switch {
	case q.verb == "":
		return fail(codeSyntax, "SYNTAX_ERROR", "Empty query")
	case q.many:
		return fail(codeSyntax, "SYNTAX_ERROR", "Syntax error (Multi-statements are not allowed)")
	case q.outfile:
		return unsupported("INTO OUTFILE over HTTP")
	case readonly && (!q.reads() || q.keeps && q.verb == "CREATE"):
		return fail(codeReadonly, "READONLY", "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. You should use method POST for modifying queries")
	}
	return nil
}
