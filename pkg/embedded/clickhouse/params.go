package clickhouse

import (
	"strings"
)

// inline replaces the placeholders that have a value. A parameter bound through the engine's interface may leak to
// another connection, so values go into the text, as literals of their type. One without a value stays: the engine
// then answers as a server does.
func inline(q string, holes []hole, values map[string]string) string {
	var b strings.Builder
	at := 0
	for _, h := range holes {
		v, ok := values[h.name]
		if !ok {
			continue
		}
		b.WriteString(q[at:h.start])
		b.WriteString(literal(h.typ, v))
		at = h.end
	}
	b.WriteString(q[at:])
	return b.String()
}

// literal is an expression for the value. Values come in the escaped form of TabSeparated, in which only plain
// strings are escaped; nested ones carry quotes and escapes of their own.
func literal(typ, value string) string {
	inner, nullable := unwrap(typ)
	switch name, _, _ := strings.Cut(inner, "("); {
	case inner == "Identifier":
		return identifier(value)
	case nullable && value == `\N`:
		return "CAST(NULL AS " + typ + ")"
	case name == "String" || name == "FixedString" || strings.HasPrefix(name, "Enum"):
		return "CAST(" + quote(unescape(value)) + " AS " + typ + ")"
	case strings.Contains(inner, "Map(") || name == "JSON" || name == "Variant" || name == "Dynamic":
		// There is no cast from text to these. This is the parser that a server uses for parameters.
		return "(SELECT v FROM format('TSV', " + quote("v "+typ) + ", " + quote(value) + "))"
	}
	return "CAST(" + quote(value) + " AS " + typ + ")"
}

// unwrap takes Nullable and LowCardinality off.
func unwrap(typ string) (inner string, nullable bool) {
	for {
		switch {
		case strings.HasPrefix(typ, "Nullable(") && strings.HasSuffix(typ, ")"):
			typ, nullable = typ[len("Nullable("):len(typ)-1], true
		case strings.HasPrefix(typ, "LowCardinality(") && strings.HasSuffix(typ, ")"):
			typ = typ[len("LowCardinality(") : len(typ)-1]
		default:
			return typ, nullable
		}
	}
}

// identifier makes a quoted name.
func identifier(s string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(s) + "`"
}

// quote makes a string literal. Quotes and backslashes are the only bytes that mean something inside one; NUL is
// escaped since text tools cut there.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`).Replace(s) + "'"
}

// unescape undoes TabSeparated's escapes.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if j := strings.IndexByte("btnrfva0e", s[i]); j >= 0 {
			b.WriteByte("\b\t\n\r\f\v\a\x00\x1b"[j])
			continue
		}
		b.WriteByte(s[i]) // an escaped quote or backslash, or nothing that needed an escape
	}
	return b.String()
}
