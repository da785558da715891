package clickhouse

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// The engine gives its statements ids of its own. The client's stands in a comment of the text, after a random word
// that tells the statement from all others; in hex, since it is the client's.

// markSize is the most that a mark of a usual id adds to a text.
const markSize = 1 << 10

// mark is the comment for a statement of that query id.
func mark(queryID string) string {
	return "/* tributary " + rand.Text() + " " + hex.EncodeToString([]byte(queryID)) + " */"
}

// markedID is the SQL that reads a client's query id out of a statement's text.
const markedID = `unhex(extract(query, 'tributary [A-Z0-9]+ ([0-9a-f]+) '))`

// killByClientsID makes a KILL QUERY look for the ids that clients know.
func killByClientsID(text string) (string, error) {
	var b strings.Builder
	at := 0
	for pos := 0; ; {
		t, ok := next(text, pos)
		if !ok {
			break
		}
		pos = t.end
		if t.kind != 'w' && t.kind != '`' {
			continue
		}
		switch word := strings.Trim(text[t.start:t.end], "`\""); {
		case t.kind == 'w' && strings.EqualFold(word, "SYNC"):
			return "", unsupported("KILL QUERY ... SYNC: it would wait for ever; use ASYNC")
		case word == "query_id":
			b.WriteString(text[at:t.start])
			b.WriteString(markedID)
			at = t.end
		}
	}
	b.WriteString(text[at:])
	return b.String(), nil
}
