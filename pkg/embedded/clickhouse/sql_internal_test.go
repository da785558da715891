package clickhouse

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for q, want := range map[string]statement{
		"select 1":                                  {verb: "SELECT"},
		" -- c\n/* ; */ (SELECT 1)":                 {verb: "("},
		"SELECT ';' , \";\", `;` -- ;\n;":           {verb: "SELECT"},
		"SELECT 1; SELECT 2":                        {verb: "SELECT", many: true},
		"SELECT 'it''s; \\'' ; ;":                   {verb: "SELECT", many: true},
		"SELECT $x$ ; ' $x$ FORMAT JSON":            {verb: "SELECT", format: "JSON"},
		"SELECT format FROM (SELECT 1 AS format)":   {verb: "SELECT"},
		"SELECT t.format x FROM t FORMAT CSV":       {verb: "SELECT", format: "CSV"},
		"INSERT INTO t (a, format) FORMAT CSV\n1;2": {verb: "INSERT", format: "CSV", insert: true, head: "INSERT INTO t (a, format) ", data: "1;2"},
		"INSERT INTO t.format FORMAT CSV \r\n\n1":   {verb: "INSERT", format: "CSV", insert: true, head: "INSERT INTO t.format ", data: "\n1"},
		"INSERT INTO t SETTINGS a=1 FORMAT Native":  {verb: "INSERT", format: "Native", insert: true, head: "INSERT INTO t SETTINGS a=1 "},
		"INSERT INTO t VALUES (1)":                  {verb: "INSERT"},
		"INSERT INTO t SELECT 1 FORMAT CSV":         {verb: "INSERT", format: "CSV"},
		"INSERT INTO t FROM INFILE 'x' FORMAT CSV":  {verb: "INSERT", format: "CSV"},
		"WITH 1 AS x INSERT INTO t SELECT x":        {verb: "INSERT"},
		"set a = 1":                                 {verb: "SET", keeps: true},
		"CREATE TEMPORARY TABLE t (a Int8)":         {verb: "CREATE", keeps: true},
		"SELECT 1 INTO OUTFILE 'x'":                 {verb: "SELECT", outfile: true},
		"SELECT {a:UInt8}":                          {verb: "SELECT", holes: []hole{{7, 16, "a", "UInt8"}}},
		"SELECT { b : Array(Enum8('}' = 1)) }":      {verb: "SELECT", holes: []hole{{7, 36, "b", "Array(Enum8('}' = 1))"}}},
		"SELECT {'a':1}, {}, {a}, '{a:UInt8}', {a:": {verb: "SELECT"},
		"SELECT 'no end":                            {verb: "SELECT"},
		"/* no end":                                 {},
		"":                                          {},
	} {
		got := parse(q)
		if len(got.holes) != len(want.holes) || len(got.holes) > 0 && got.holes[0] != want.holes[0] {
			t.Errorf("%q: holes %v, expected %v", q, got.holes, want.holes)
		}
		got.holes, want.holes = nil, nil
		if got.verb != want.verb || got.format != want.format || got.insert != want.insert || got.head != want.head ||
			got.data != want.data || got.many != want.many || got.outfile != want.outfile || got.keeps != want.keeps {
			t.Errorf("%q:\ngot      %+v\nexpected %+v", q, got, want)
		}
	}
}

// FuzzInline checks that a value never becomes anything but one literal: around it the text keeps its tokens, and
// the literal's own text is the value.
func FuzzInline(f *testing.F) {
	f.Add("String", `it\'s`)
	f.Add("String", `'); DROP TABLE x; --`)
	f.Add("Array(String)", `['a\'', 'b\\']`)
	f.Add("Nullable(String)", `\N`)
	f.Add("Map(String, UInt8)", `{'a':1}`)
	f.Add("Identifier", "a`b\\")
	f.Add("UInt8", "\x00\\")
	f.Fuzz(func(t *testing.T, typ, value string) {
		const before, after = "SELECT 1, ", " FROM t WHERE x = 'y'"
		q := before + "{p:" + typ + "}" + after
		s := parse(q)
		if len(s.holes) != 1 || s.holes[0].end != len(q)-len(after) || s.holes[0].typ != strings.TrimSpace(typ) {
			t.Skip("the type closes the placeholder by itself: it is the query author's")
		}
		out := inline(q, s.holes, map[string]string{"p": value})
		lit := literal(s.holes[0].typ, value)
		if out != before+lit+after {
			t.Fatalf("inlined %q", out)
		}
		quoted := 0
		for pos := 0; pos < len(lit); {
			tok, ok := next(lit, pos)
			if !ok {
				break
			}
			if pos = tok.end; tok.kind == '\'' || tok.kind == '`' {
				quoted++
				if text := lit[tok.start:tok.end]; len(text) < 2 || text[0] != text[len(text)-1] {
					t.Fatalf("%q is not closed in %q", text, lit)
				}
			}
			if tok.kind == ';' && !strings.Contains(typ, ";") {
				t.Fatalf("a statement ends in %q", lit)
			}
		}
		// The same literal with a harmless value has as many tokens: nothing of the value became one.
		if a, b := tokens(lit), tokens(literal(s.holes[0].typ, "1")); a != b && value != `\N` {
			t.Fatalf("%d tokens in %q, %d with a harmless value", a, lit, b)
		}
		if quote(value) != "" && unquote(quote(value)) != value {
			t.Fatalf("%q became %q", value, quote(value))
		}
	})
}

func tokens(q string) (n int) {
	for pos := 0; ; n++ {
		t, ok := next(q, pos)
		if !ok {
			return n
		}
		pos = t.end
	}
}

// unquote reads a string literal as ClickHouse does, for the escapes that quote writes.
func unquote(s string) string { return unescape(s[1 : len(s)-1]) }

func TestAuthorizationOfStatus(t *testing.T) {
	for code, want := range map[int]int{60: 404, 62: 400, 516: 403, 194: 401, 48: 501, 159: 408, 241: 500} {
		if got := (&exception{code: code}).status(); got != want {
			t.Errorf("code %d is status %d, expected %d", code, got, want)
		}
	}
}
