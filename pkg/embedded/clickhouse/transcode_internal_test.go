package clickhouse

import (
	"bytes"
	"io"
	"reflect"
	"testing"
	"time"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// sample encodes a block of revision 0 with clickhouse-go.
func sample(t testing.TB, rows int) []byte {
	t.Helper()
	b := proto.NewBlock()
	b.ServerContext.Timezone = time.UTC
	for name, typ := range map[string]string{"u": "UInt8", "s": "String", "f": "FixedString(3)", "l": "LowCardinality(String)", "ln": "LowCardinality(Nullable(String))",
		"n": "Nullable(String)", "a": "Array(Array(String))", "al": "Array(LowCardinality(String))", "m": "Map(LowCardinality(String), Array(Int64))",
		"t": "Tuple(a UInt8, b String)", "d": "Decimal(18, 4)", "e": "Enum8('a' = 1, 'b,(' = 2)", "dt": "DateTime64(3, 'UTC')", "u5": "UInt256",
		"sa": "SimpleAggregateFunction(sum, UInt64)", "ip": "IPv6"} {
		if err := b.AddColumn(name, column.Type(typ)); err != nil {
			t.Fatal(err)
		}
	}
	for range rows {
		for _, c := range b.Columns {
			if err := c.AppendRow(value(string(c.Type()))); err != nil {
				t.Fatalf("%s: %v", c.Type(), err)
			}
		}
	}
	var out chproto.Buffer
	if rows == 0 { // the engine writes no prefix then, clickhouse-go does
		if err := b.EncodeHeader(&out, 0); err != nil {
			t.Fatal(err)
		}
		for _, c := range b.Columns {
			out.PutString(c.Name())
			out.PutString(string(c.Type()))
		}
		return out.Buf
	}
	if err := b.Encode(&out, 0); err != nil {
		t.Fatal(err)
	}
	return out.Buf
}

func value(typ string) any {
	switch typ {
	case "UInt8":
		return uint8(7)
	case "LowCardinality(String)", "String", "LowCardinality(Nullable(String))", "Nullable(String)":
		return "text"
	case "FixedString(3)":
		return "abc"
	case "Array(Array(String))":
		return [][]string{{"a", "b"}, {}, {"c"}}
	case "Array(LowCardinality(String))":
		return []string{"x", "y", "x"}
	case "Map(LowCardinality(String), Array(Int64))":
		return map[string][]int64{"k": {1, 2}}
	case "Tuple(a UInt8, b String)":
		return []any{uint8(1), "b"}
	case "Enum8('a' = 1, 'b,(' = 2)":
		return "a"
	case "DateTime64(3, 'UTC')":
		return time.UnixMilli(1_700_000_000_123).UTC()
	case "SimpleAggregateFunction(sum, UInt64)":
		return uint64(9)
	case "IPv6":
		return "::1"
	}
	return nil // a zero of the type
}

func decode(t testing.TB, in []byte, revision uint64) (out [][]any) {
	t.Helper()
	r := chproto.NewReader(bytes.NewReader(in))
	for {
		b := proto.NewBlock()
		b.ServerContext.Timezone = time.UTC
		err := b.Decode(r, revision)
		if err != nil {
			if rest, _ := io.ReadAll(r); len(rest) > 0 {
				t.Fatalf("revision %d: %v", revision, err)
			}
			return out
		}
		for _, c := range b.Columns {
			row := []any{c.Name(), string(c.Type())}
			for i := range c.Rows() {
				row = append(row, c.Row(i, false))
			}
			out = append(out, row)
		}
	}
}

// TestTranscodeAgainstTheDriver compares what the driver reads before and after.
func TestTranscodeAgainstTheDriver(t *testing.T) {
	in := append(append(sample(t, 2), sample(t, 0)...), sample(t, 300)...)
	want := decode(t, in, 0)
	if len(want) < 3*15 {
		t.Fatalf("the sample has %d columns", len(want))
	}
	for _, revision := range []uint64{1, 54453, 54454, 54460, 54513} {
		out, err := transcode(in, revision, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := decode(t, out, revision); !reflect.DeepEqual(got, want) {
			t.Errorf("revision %d reads differently", revision)
		}
	}
}

func TestTranscodeNamesUnknownTypes(t *testing.T) {
	for _, typ := range []string{"AggregateFunction(sum, UInt8)", "Dynamic", "Variant(String, UInt8)", "JSON", "FixedString(0)", "Nope"} {
		if _, err := parseType(typ); err == nil || err.(*exception).status() != 501 {
			t.Errorf("type %s: %v", typ, err)
		}
	}
}

// FuzzTranscode reads any bytes: it may refuse them, and what it takes it must copy whole.
func FuzzTranscode(f *testing.F) {
	f.Add(sample(f, 2))
	f.Add(sample(f, 0))
	f.Add([]byte{1, 1, 1, 'x', 5, 'U', 'I', 'n', 't', '8', 3})
	f.Fuzz(func(t *testing.T, in []byte) {
		zero, err := transcode(in, 1, nil)
		if err != nil {
			return
		}
		later, err := transcode(in, 54460, nil)
		if err != nil {
			t.Fatalf("accepted for one revision only: %v", err)
		}
		if len(zero) < len(in) || len(later) < len(zero) {
			t.Fatalf("%d bytes became %d and %d", len(in), len(zero), len(later))
		}
	})
}
