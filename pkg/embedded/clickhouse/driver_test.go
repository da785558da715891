package clickhouse_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/schemas"
)

func TestDriverTypes(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 30, 45, 678e6, time.UTC)
	text := "it's \\ \"quoted\"\n\x00 ü"
	null := (*string)(nil)
	rows := [][]any{
		{uint8(255), uint16(65535), uint32(1 << 31), uint64(1 << 63), int64(-5), 1.5, text, "0123456789abcdef", "low",
			[]string{"a", "b", "a"}, []int64{-1, 2}, []time.Time{now}, []map[int16]int64{{1: 2}, {}}, map[string]string{"k": "v'"},
			now.Truncate(24 * time.Hour), now.Truncate(time.Second), now, uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), &text, decimal.RequireFromString("-12.3400")},
		{uint8(0), uint16(0), uint32(0), uint64(0), int64(0), 0.0, "", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "",
			[]string{}, []int64{}, []time.Time{}, []map[int16]int64{}, map[string]string{},
			time.Unix(0, 0).UTC(), time.Unix(0, 0).UTC(), time.Unix(0, 0).UTC(), uuid.Nil, null, decimal.RequireFromString("0.0000")},
	}
	for name, compression := range map[string]*ch.Compression{
		"none": nil, "lz4": {Method: ch.CompressionLZ4}, "zstd": {Method: ch.CompressionZSTD, Level: 3}, "gzip": {Method: ch.CompressionGZIP, Level: 1},
		"deflate": {Method: ch.CompressionDeflate, Level: 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, server(t), compression)
			table := "types_" + name
			must(t, c.Exec(t.Context(), "CREATE OR REPLACE TABLE "+table+` (u8 UInt8, u16 UInt16, u32 UInt32, u64 UInt64, i64 Int64, f64 Float64, s String,
				fs FixedString(16), lc LowCardinality(String), alc Array(LowCardinality(String)), ai Array(Int64), at Array(DateTime64(3,'UTC')),
				am Array(Map(Int16,Int64)), m Map(String,String), d Date, dt DateTime('UTC'), dt64 DateTime64(3,'UTC'), id UUID, n Nullable(String), dec Decimal(18,4))
				ENGINE = MergeTree ORDER BY u8`))
			b, err := c.PrepareBatch(t.Context(), "INSERT INTO "+table)
			must(t, err)
			for _, r := range rows {
				must(t, b.Append(r...))
			}
			must(t, b.Send())
			got := scan(t, c, "SELECT * FROM "+table+" ORDER BY u8 DESC")
			if len(got) != len(rows) {
				t.Fatalf("%d rows, expected %d", len(got), len(rows))
			}
			for i := range rows {
				for j := range rows[i] {
					if want := rows[i][j]; !equal(got[i][j], want) {
						t.Errorf("row %d, column %d: got %T %v, expected %v", i, j, got[i][j], got[i][j], want)
					}
				}
			}
		})
	}
}

// equal compares values as instants, numbers and pointees.
func equal(a, b any) bool {
	if d, ok := a.(decimal.Decimal); ok {
		return d.Equal(b.(decimal.Decimal))
	}
	return reflect.DeepEqual(a, b)
}

func scan(t testing.TB, c ch.Conn, query string) (out [][]any) {
	t.Helper()
	rows, err := c.Query(t.Context(), query)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var dest, row []any
		for _, ct := range rows.ColumnTypes() {
			dest = append(dest, reflect.New(ct.ScanType()).Interface())
		}
		must(t, rows.Scan(dest...))
		for _, d := range dest {
			row = append(row, reflect.ValueOf(d).Elem().Interface())
		}
		out = append(out, row)
	}
	must(t, rows.Err())
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDriverSeesTypedErrors(t *testing.T) {
	for _, compression := range []*ch.Compression{nil, {Method: ch.CompressionLZ4}, {Method: ch.CompressionGZIP}} {
		c := open(t, server(t), compression)
		err := c.Exec(t.Context(), "SELECT * FROM nope")
		if err == nil || !strings.Contains(err.Error(), "UNKNOWN_TABLE") {
			t.Errorf("select from a missing table: %v", err)
		}
		_, err = c.Query(t.Context(), "SELECT * FROM nope")
		var ex *ch.Exception
		if !asException(err, &ex) || ex.Code != 60 {
			t.Errorf("query of a missing table: %v", err)
		}
	}
}

func TestDriverInsertOfManyBlocks(t *testing.T) {
	c := open(t, server(t), &ch.Compression{Method: ch.CompressionLZ4})
	must(t, c.Exec(t.Context(), "CREATE OR REPLACE TABLE wide (a UInt64, b LowCardinality(String), c String) ENGINE = MergeTree ORDER BY a"))
	const n = 300_000 // more than one block of the answer
	b, err := c.PrepareBatch(t.Context(), "INSERT INTO wide")
	must(t, err)
	for i := range n {
		must(t, b.Append(uint64(i), fmt.Sprint("key", i%1000), strings.Repeat("x", i%50)))
	}
	must(t, b.Send())
	rows, err := c.Query(t.Context(), "SELECT a, b, c FROM wide ORDER BY a")
	must(t, err)
	i := 0
	for ; rows.Next(); i++ {
		var a uint64
		var k, s string
		must(t, rows.Scan(&a, &k, &s))
		if a != uint64(i) || k != fmt.Sprint("key", i%1000) || len(s) != i%50 {
			t.Fatalf("row %d is %d %q %q", i, a, k, s)
		}
	}
	if must(t, rows.Err()); i != n {
		t.Errorf("read %d rows of %d", i, n)
	}
}

func TestReadersBesideAWriter(t *testing.T) {
	c := open(t, server(t), nil)
	must(t, c.Exec(t.Context(), "CREATE OR REPLACE TABLE busy (a UInt64) ENGINE = MergeTree ORDER BY a"))
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	const batches, size = 20, 1000
	for range 8 {
		wg.Go(func() {
			for last := uint64(0); ctx.Err() == nil; {
				var n uint64
				if err := c.QueryRow(t.Context(), "SELECT count() FROM busy").Scan(&n); err != nil {
					t.Error(err)
					return
				}
				if n < last || n%size != 0 {
					t.Errorf("count %d after %d", n, last)
				}
				last = n
			}
		})
	}
	for i := range batches {
		b, err := c.PrepareBatch(t.Context(), "INSERT INTO busy")
		must(t, err)
		for j := range size {
			must(t, b.Append(uint64(i*size+j)))
		}
		must(t, b.Send())
	}
	cancel()
	wg.Wait()
	var n uint64
	must(t, c.QueryRow(t.Context(), "SELECT count() FROM busy").Scan(&n))
	if n != batches*size {
		t.Errorf("%d rows, expected %d", n, batches*size)
	}
}

func TestMigrations(t *testing.T) {
	db, err := clickhouse.Open(clickhouse.Config{Addr: server(t), User: "default"})
	must(t, err)
	defer db.Close()
	must(t, db.Ping(t.Context()))
	for _, name := range []string{"api", "bi", "tributary"} { // from an earlier run of this test
		must(t, db.Exec(t.Context(), "DROP DATABASE IF EXISTS "+name+" SYNC"))
	}
	applied, err := db.Migrate(t.Context(), schemas.ClickHouse, "clickhouse")
	must(t, err)
	if len(applied) == 0 {
		t.Error("nothing was applied")
	}
	again, err := db.Migrate(t.Context(), schemas.ClickHouse, "clickhouse")
	must(t, err)
	if len(again) != 0 {
		t.Errorf("applied again: %v", again)
	}
	rows, err := db.Select(t.Context(), "SELECT database, count() FROM system.tables WHERE database IN ('tributary', 'bi', 'api') GROUP BY database ORDER BY database")
	must(t, err)
	if len(rows.Values) == 0 {
		t.Error("no tables")
	}
}
