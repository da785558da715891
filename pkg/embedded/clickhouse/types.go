package clickhouse

import (
	"strconv"
	"strings"
)

// columnType is a type as far as the length of its data goes.
type columnType struct {
	text string
	kind kind
	size uint64 // of a fixed value
	args []*columnType
}

type kind int

const (
	kindFixed kind = iota
	kindString
	kindNullable
	kindArray
	kindTuple
	kindDictionary
)

// sizes of fixed types, in bytes.
var sizes = map[string]uint64{
	"Bool": 1, "UInt8": 1, "Int8": 1, "Enum8": 1, "Nothing": 1,
	"UInt16": 2, "Int16": 2, "Enum16": 2, "Date": 2, "BFloat16": 2,
	"UInt32": 4, "Int32": 4, "Float32": 4, "Date32": 4, "DateTime": 4, "IPv4": 4, "Decimal32": 4, "Time": 4,
	"UInt64": 8, "Int64": 8, "Float64": 8, "DateTime64": 8, "Decimal64": 8, "Time64": 8,
	"UInt128": 16, "Int128": 16, "UUID": 16, "IPv6": 16, "Decimal128": 16,
	"UInt256": 32, "Int256": 32, "Decimal256": 32,
}

// shapes are names for other types.
var shapes = map[string]string{
	"Point": "Tuple(Float64, Float64)", "Ring": "Array(Point)", "LineString": "Array(Point)",
	"Polygon": "Array(Ring)", "MultiLineString": "Array(LineString)", "MultiPolygon": "Array(Polygon)",
}

// maxDepth of nested types: far more than anyone writes, and few enough for the stack.
const maxDepth = 32

func parseType(text string) (*columnType, error) { return parseTypeAt(text, 0) }

func parseTypeAt(text string, depth int) (*columnType, error) {
	name, inside, _ := strings.Cut(text, "(")
	inside = strings.TrimSuffix(inside, ")")
	t := &columnType{text: text}
	if depth > maxDepth {
		return nil, unsupported("the type %.100s in format Native", text)
	}
	if size, ok := sizes[name]; ok {
		t.size = size
		return t, nil
	}
	if strings.HasPrefix(name, "Interval") {
		t.size = 8
		return t, nil
	}
	var parts []string
	switch name {
	case "String":
		t.kind = kindString
		return t, nil
	case "FixedString", "Decimal":
		return t, t.sized(name, inside)
	case "Nullable":
		t.kind, parts = kindNullable, []string{inside}
	case "LowCardinality":
		t.kind, parts = kindDictionary, []string{strings.TrimSuffix(strings.TrimPrefix(inside, "Nullable("), ")")}
		if !strings.HasPrefix(inside, "Nullable(") {
			parts[0] = inside
		}
	case "Array":
		t.kind, parts = kindArray, []string{inside}
	case "Map":
		t.kind, parts = kindArray, []string{"Tuple(" + inside + ")"}
	case "Nested":
		t.kind, parts = kindArray, []string{"Tuple(" + inside + ")"}
	case "Tuple":
		if parts = split(inside); len(parts) == 0 {
			t.size = 1 // an empty tuple is a byte
			return t, nil
		}
		t.kind = kindTuple
	case "SimpleAggregateFunction":
		if all := split(inside); len(all) == 2 {
			return parseTypeAt(all[1], depth+1)
		}
		return nil, unsupported("the type %.100s in format Native", text)
	default:
		if shape, ok := shapes[name]; ok {
			return parseTypeAt(shape, depth+1)
		}
		return nil, unsupported("the type %.100s in format Native", text)
	}
	for _, p := range parts {
		a, err := parseTypeAt(unnamed(p), depth+1)
		if err != nil {
			return nil, err
		}
		t.args = append(t.args, a)
	}
	return t, nil
}

// sized reads FixedString(N) and Decimal(P, S).
func (t *columnType) sized(name, inside string) error {
	first, _, _ := strings.Cut(inside, ",")
	n, err := strconv.ParseUint(strings.TrimSpace(first), 10, 32)
	if err != nil || n == 0 {
		return unsupported("the type %.100s in format Native", t.text)
	}
	switch {
	case name == "FixedString":
		t.size = n
	case n <= 9:
		t.size = 4
	case n <= 18:
		t.size = 8
	case n <= 38:
		t.size = 16
	default:
		t.size = 32
	}
	return nil
}

// dictionaries counts the LowCardinality parts: each puts its prefix before the column's data.
func (t *columnType) dictionaries() int {
	n := 0
	if t.kind == kindDictionary {
		n = 1
	}
	for _, a := range t.args {
		n += a.dictionaries()
	}
	return n
}

// split cuts at the commas outside parentheses and quotes.
func split(s string) []string {
	var out []string
	depth, start := 0, 0
	for pos := 0; ; {
		t, ok := next(s, pos)
		if !ok {
			break
		}
		switch pos = t.end; t.kind {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, strings.TrimSpace(s[start:t.start]))
				start = t.end
			}
		}
	}
	if last := strings.TrimSpace(s[start:]); last != "" {
		out = append(out, last)
	}
	return out
}

// unnamed takes the name of a tuple's element off.
func unnamed(s string) string {
	first, ok := next(s, 0)
	if !ok {
		return s
	}
	if second, ok := next(s, first.end); ok && second.kind == 'w' && second.start > first.end {
		return s[second.start:]
	}
	return s
}
