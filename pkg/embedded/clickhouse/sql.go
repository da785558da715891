package clickhouse

import (
	"regexp"
	"strings"
)

// token of a statement, outside comments.
type token struct {
	kind       byte // 'w' word or number, '\'' string, '`' quoted identifier, or the character itself
	start, end int
}

// next reads the token at or after pos; ok is false at the end.
func next(q string, pos int) (t token, ok bool) {
	pos = skipBlank(q, pos)
	if pos >= len(q) {
		return token{}, false
	}
	t = token{kind: q[pos], start: pos, end: pos + 1}
	switch c := q[pos]; {
	case c == '\'' || c == '"' || c == '`':
		t.end = closing(q, pos)
		if c == '"' {
			t.kind = '`'
		}
	case isWord(c):
		for t.end < len(q) && isWord(q[t.end]) {
			t.end++
		}
		t.kind = 'w'
	case c == '$': // heredoc: $tag$ text $tag$
		if i := strings.IndexByte(q[pos+1:], '$'); i >= 0 && isTag(q[pos+1:pos+1+i]) {
			tag := q[pos : pos+i+2]
			if j := strings.Index(q[pos+len(tag):], tag); j >= 0 {
				t.kind, t.end = '\'', pos+len(tag)+j+len(tag)
			}
		}
	}
	return t, true
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func isTag(s string) bool {
	for i := range len(s) {
		if !isWord(s[i]) {
			return false
		}
	}
	return true
}

// skipBlank skips blanks and comments.
func skipBlank(q string, pos int) int {
	for pos < len(q) {
		rest := q[pos:]
		switch {
		case strings.IndexByte(" \t\n\r\f\v\x00", q[pos]) >= 0:
			pos++
		case strings.HasPrefix(rest, "--") || strings.HasPrefix(rest, "# ") || strings.HasPrefix(rest, "#!"):
			if i := strings.IndexByte(rest, '\n'); i >= 0 {
				pos += i + 1
			} else {
				pos = len(q)
			}
		case strings.HasPrefix(rest, "/*"):
			if i := strings.Index(rest[2:], "*/"); i >= 0 {
				pos += i + 4
			} else {
				pos = len(q)
			}
		default:
			return pos
		}
	}
	return pos
}

// closing is the end of the quoted text at pos. A doubled quote and a backslash escape.
func closing(q string, pos int) int {
	quote := q[pos]
	for i := pos + 1; i < len(q); i++ {
		switch {
		case q[i] == '\\':
			i++
		case q[i] == quote && i+1 < len(q) && q[i+1] == quote:
			i++
		case q[i] == quote:
			return i + 1
		}
	}
	return len(q)
}

// hole is a {name:Type} placeholder.
type hole struct {
	start, end int
	name, typ  string
}

// statement is what the front has to know of a query's text.
type statement struct {
	// verb is the first word, in upper case; "(" for a SELECT in parentheses.
	verb string
	// format of the FORMAT clause, "" without one.
	format string
	// clause is where the FORMAT clause is, end where the statement ends: 0 without a semicolon.
	clause [2]int
	end    int
	// insert tells an INSERT ... FORMAT, whose text is head and whose rows begin in data.
	insert     bool
	head, data string
	// many tells that something follows a semicolon.
	many bool
	// outfile tells a clause that would make the engine write a file.
	outfile bool
	// keeps tells that it changes its connection: SET, USE, CREATE TEMPORARY TABLE.
	keeps bool
	holes []hole
}

// parse walks the statement up to the rows of an INSERT ... FORMAT.
func parse(q string) statement {
	var s statement
	depth, ended, rowsElsewhere := 0, false, false
	var before, last token
	for pos := 0; ; pos = last.end {
		t, ok := next(q, pos)
		if !ok {
			return s
		}
		before, last = last, t
		if ended {
			s.many = true
			return s
		}
		word := ""
		if t.kind == 'w' && before.kind != '.' {
			word = strings.ToUpper(q[t.start:t.end])
		}
		if s.verb == "" {
			s.verb = strings.ToUpper(q[t.start:t.end])
			s.keeps = s.verb == "SET" || s.verb == "USE"
		}
		switch t.kind {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case ';':
			if ended = depth <= 0; ended {
				s.end = t.start
			}
		case '{':
			if h, ok := readHole(q, t.start); ok {
				s.holes = append(s.holes, h)
				last.end = h.end
			}
		}
		if word == "" || depth > 0 {
			continue
		}
		switch word {
		case "TEMPORARY":
			s.keeps = s.keeps || s.verb == "CREATE"
		case "INSERT":
			if s.verb == "WITH" { // WITH x AS (...) INSERT INTO ... SELECT
				s.verb = word
			}
		case "OUTFILE":
			s.outfile = true
		case "SELECT", "WITH", "VALUES", "FROM", "WATCH":
			rowsElsewhere = true
		case "FORMAT":
			name, ok := next(q, t.end)
			rows := s.verb == "INSERT" && !rowsElsewhere
			if !ok || name.kind != 'w' || !rows && !lastClause(q, name.end) {
				continue // a column of that name
			}
			s.format, s.clause = q[name.start:name.end], [2]int{t.start, name.end}
			if rows {
				s.insert, s.head, s.data = true, q[:t.start], afterFormat(q[name.end:])
				return s
			}
			last = name
		}
	}
}

// lastClause tells whether a FORMAT clause may end at pos: only settings may follow.
func lastClause(q string, pos int) bool {
	t, ok := next(q, pos)
	return !ok || t.kind == ';' || strings.EqualFold(q[t.start:t.end], "SETTINGS")
}

// afterFormat finds the first byte of the rows, as ClickHouse's parser does: after blanks and one line break.
func afterFormat(rest string) string {
	rest = strings.TrimLeft(rest, " \t\f")
	rest = strings.TrimPrefix(rest, "\r")
	return strings.TrimPrefix(rest, "\n")
}

var holeHead = regexp.MustCompile(`^\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*:\s*`)

// readHole reads a placeholder. Other braces, as of a map literal, are not one.
func readHole(q string, pos int) (hole, bool) {
	m := holeHead.FindStringSubmatch(q[pos:])
	if m == nil {
		return hole{}, false
	}
	for at := pos + len(m[0]); ; {
		t, ok := next(q, at)
		if !ok || t.kind == '{' || t.kind == ';' {
			return hole{}, false
		}
		if t.kind == '}' {
			typ := strings.TrimSpace(q[pos+len(m[0]) : t.start])
			return hole{start: pos, end: t.end, name: m[1], typ: typ}, typ != ""
		}
		at = t.end
	}
}

// reads tells a statement that changes no table.
func (s statement) reads() bool {
	switch s.verb {
	case "SELECT", "WITH", "FROM", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK", "SET", "USE", "VALUES", "(", "":
		return true
	}
	return false
}
