package clients_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// value is one value of a type: as SQL for the engine, and as every client must give it back (see same).
type value struct {
	sql  string
	want any
}

func text(s string) value {
	return value{"unhex('" + hex.EncodeToString([]byte(s)) + "')", s} // no quoting that could hide the same fault twice
}

func plain(texts ...string) []value { return quoted("%s", texts...) }

func quoted(format string, texts ...string) (out []value) {
	for _, s := range texts {
		out = append(out, value{fmt.Sprintf(format, s), s})
	}
	return out
}

// edges of the types that are made of no other.
var edges = map[string][]value{
	"UInt8":   plain("0", "255", "1"),
	"UInt16":  plain("0", "65535"),
	"UInt32":  plain("0", "4294967295"),
	"UInt64":  plain("0", "18446744073709551615", "9007199254740993"), // the last is beyond a double
	"Int16":   plain("-32768", "32767", "0"),
	"Int64":   quoted("toInt64(%s)", "-9223372036854775808", "9223372036854775807", "0", "-9007199254740993"),
	"Float64": plain("0", "nan", "inf", "-inf", "5e-324", "-1.7976931348623157e308", "0.1", "-0.0"),
	"String": {text(""), text("plain"), text("tab\tline\nreturn\rbackslash\\t quote' double\" back`"), text("NUL\x00, äöü, 日本語, 🛒"),
		text(`\N`), text("NULL"), text(`{"a":[1,"x"]}`), text(strings.Repeat("long ", 2000)), text(" a,b;c ")},
	"FixedString(16)": {text(strings.Repeat("\x00", 16)), text(strings.Repeat("\xff", 16)), text("0123456789abcdef"), text("\t\n\r\\'\"`,\x00\x01\x80\xc3\x28\xfe \x00")},
	"Date":            quoted("'%s'", "1970-01-01", "2149-06-06", "2026-02-28"),
	"DateTime":        quoted("toDateTime('%s', 'UTC')", "1970-01-01 00:00:00", "2106-02-07 06:28:15", "2026-03-29 01:30:00"),
	"DateTime64(3)": quoted("toDateTime64('%s', 3, 'UTC')", "1970-01-01 00:00:00.000", "1900-01-01 00:00:00.000", "2262-04-11 23:47:16.854",
		"1969-12-31 23:59:59.999", "2026-03-29 01:30:00.001"),
}

func init() {
	edges["DateTime('UTC')"] = edges["DateTime"]
	edges["DateTime64(3, 'UTC')"] = edges["DateTime64(3)"]
}

// values are the edge values of a type, the nested ones made from those of their parts; none is longer than that, in SQL.
func values(typ string, longest int) ([]value, error) {
	if v, ok := edges[typ]; ok {
		return slices.DeleteFunc(slices.Clone(v), func(v value) bool { return len(v.sql) > longest }), nil
	}
	outer, inner, _ := strings.Cut(strings.TrimSuffix(typ, ")"), "(")
	switch outer {
	case "LowCardinality":
		return values(inner, longest)
	case "Nullable":
		v, err := values(inner, longest)
		v = slices.DeleteFunc(slices.Clone(v), func(v value) bool { return v.sql == "nan" }) // pandas cannot tell it from NULL
		return append([]value{{"NULL", nil}}, v...), err
	case "Array":
		v, err := values(inner, longest)
		return arraysOf(v), err
	case "Map":
		key, val, _ := strings.Cut(inner, ", ")
		keys, err := values(key, longest)
		if err != nil {
			return nil, err
		}
		vals, err := values(val, longest)
		return mapsOf(typ, keys, vals), err
	}
	return nil, fmt.Errorf("a table has a column of the type %s: add its edge values to catalogue_test.go", typ)
}

// arraysOf are the empty one, one of a single value, and one of all, the first repeated.
func arraysOf(v []value) []value {
	if len(v) == 0 {
		return nil
	}
	all := value{want: []any{}}
	var sql []string
	for _, x := range append(v[:len(v):len(v)], v[0]) {
		sql, all.want = append(sql, x.sql), append(all.want.([]any), x.want)
	}
	all.sql = "[" + strings.Join(sql, ", ") + "]"
	return []value{{"[]", []any{}}, {"[" + v[0].sql + "]", []any{v[0].want}}, all}
}

// mapsOf are the empty one and one of all keys.
func mapsOf(typ string, keys, vals []value) []value {
	all := map[string]any{}
	var sql []string
	for i, k := range keys {
		v := vals[i%len(vals)]
		sql = append(sql, k.sql, v.sql)
		all[k.want.(string)] = v.want
	}
	cast := func(parts string) string { return "CAST(map(" + parts + ") AS " + typ + ")" }
	return []value{{cast(""), map[string]any{}}, {cast(strings.Join(sql, ", ")), all}}
}
