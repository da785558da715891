package clients_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

var goCompressions = map[string]*ch.Compression{
	"none": nil, "lz4": {Method: ch.CompressionLZ4}, "zstd": {Method: ch.CompressionZSTD, Level: 3},
	"gzip": {Method: ch.CompressionGZIP, Level: 1}, "deflate": {Method: ch.CompressionDeflate, Level: 1},
}

// openGo connects clickhouse-go as our adapter does.
func openGo(t *testing.T, addr string, compression *ch.Compression) ch.Conn {
	t.Helper()
	c, err := ch.Open(&ch.Options{Protocol: ch.HTTP, Addr: []string{addr}, Auth: ch.Auth{Username: "default", Database: "default"}, Compression: compression})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Ensure that clickhouse-go reads and writes every type, with each of its compressions.
func TestGoTypes(t *testing.T) {
	addr, columns := start(t)
	for name, compression := range goCompressions {
		t.Run(name, func(t *testing.T) {
			c := openGo(t, addr, compression)
			table := "go_" + name
			got, rows := readGo(t, c, "SELECT * FROM reference ORDER BY n")
			columns.expectRead(t, "clickhouse-go, "+name, got)
			if err := c.Exec(t.Context(), columns.create(table)); err != nil {
				t.Fatal(err)
			}
			b, err := c.PrepareBatch(t.Context(), "INSERT INTO "+table)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				if err := b.Append(r...); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.Send(); err != nil {
				t.Fatal(err)
			}
			columns.expectSame(t, table)
		})
	}
}

// readGo returns the rows as the driver gives them, and their values after the first column in the words of the catalogue.
func readGo(t *testing.T, c ch.Conn, query string) (words, rows [][]any) {
	t.Helper()
	res, err := c.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	for res.Next() {
		var dest, row, word []any
		for _, ct := range res.ColumnTypes() {
			dest = append(dest, reflect.New(ct.ScanType()).Interface())
		}
		if err := res.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		for i, d := range dest {
			v := reflect.ValueOf(d).Elem().Interface()
			row = append(row, v)
			if i > 0 {
				word = append(word, wordOf(res.ColumnTypes()[i].DatabaseTypeName(), v))
			}
		}
		rows, words = append(rows, row), append(words, word)
	}
	if err := res.Err(); err != nil {
		t.Fatal(err)
	}
	return words, rows
}

func wordOf(typ string, v any) any {
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer { // Go's way to say NULL
		if p.IsNil() {
			return nil
		}
		v = p.Elem().Interface()
	}
	switch v := v.(type) {
	case time.Time:
		layout := "2006-01-02 15:04:05.000"
		if typ == "Date" {
			layout = time.DateOnly
		}
		return v.UTC().Format(layout)
	case float64:
		if math.IsNaN(v) {
			return "nan"
		}
		return fmt.Sprint(v)
	case string:
		if strings.HasPrefix(typ, "FixedString") {
			return hex.EncodeToString([]byte(v))
		}
		return v
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Slice:
		out := []any{}
		for i := range r.Len() {
			out = append(out, wordOf("", r.Index(i).Interface()))
		}
		return out
	case reflect.Map:
		out := map[string]any{}
		for k, x := range r.Seq2() {
			out[fmt.Sprint(k)] = wordOf("", x.Interface())
		}
		return out
	}
	return fmt.Sprint(v)
}

// Ensure that parameters, settings and zones arrive, and that errors have their code.
func TestGoQueries(t *testing.T) {
	addr, _ := start(t)
	c := openGo(t, addr, &ch.Compression{Method: ch.CompressionLZ4})
	ctx := ch.Context(t.Context(), ch.WithParameters(ch.Parameters{"s": "it's \"so\"", "n": "18446744073709551615"}),
		ch.WithSettings(ch.Settings{"max_threads": 1}), ch.WithQueryID("go-queries"))
	var server, client string
	var n, threads uint64
	if err := c.QueryRow(ctx, "SELECT {s:String}, {n:UInt64}, toUInt64(getSetting('max_threads'))").Scan(&server, &n, &threads); err != nil {
		t.Fatal(err)
	}
	if err := c.QueryRow(t.Context(), "SELECT ?", odd).Scan(&client); err != nil {
		t.Fatal(err)
	}
	if server != "it's \"so\"" || n != 1<<64-1 || threads != 1 || client != odd {
		t.Errorf("parameters came back as %q, %d, %d, %q", server, n, threads, client)
	}
	var at time.Time
	if err := c.QueryRow(t.Context(), "SELECT toDateTime('2026-07-01 12:00:00', 'Asia/Tokyo') AS at").Scan(&at); err != nil {
		t.Fatal(err)
	}
	if got := at.Format(time.RFC3339); got != "2026-07-01T12:00:00+09:00" {
		t.Errorf("a time of another zone is %s", got)
	}
	for query, code := range map[string]int32{"SELECT nope": 47, "SELECT * FROM nope": 60, "SELECT throwIf(number = 500000) FROM numbers(1000000)": 395, "SELEC": 62} {
		var ex *ch.Exception
		if err := c.Exec(t.Context(), query); !errors.As(err, &ex) || ex.Code != code {
			t.Errorf("%s: %v, expected code %d", query, err, code)
		}
	}
}

// Ensure that a cancelled context ends the statement in the engine, and so does its deadline.
func TestGoCancel(t *testing.T) {
	addr, _ := start(t)
	c := openGo(t, addr, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Exec(ctx, endless("go-cancel")) }()
	untilRuns(t, "go-cancel")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled query: %v", err)
	}
	nothingRuns(t, "go-cancel")
}

// endless is a statement that runs until it is killed.
func endless(mark string) string {
	return "SELECT sum(sipHash64(number)) FROM numbers(100000000000) SETTINGS log_comment = '" + mark + "'"
}

func untilRuns(t *testing.T, mark string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); len(running(t, mark)) == 0; {
		if time.Now().After(deadline) {
			t.Fatalf("the statement %s never ran", mark)
		}
	}
}

// Ensure that eight readers beside a writer see whole inserts only.
func TestGoReaders(t *testing.T) {
	addr, _ := start(t)
	w := openGo(t, addr, nil)
	const batches, size = 20, 1000
	if err := w.Exec(t.Context(), "CREATE OR REPLACE TABLE go_busy (a UInt64, s String) ENGINE = MergeTree ORDER BY a"); err != nil {
		t.Fatal(err)
	}
	written := make(chan struct{})
	var readers sync.WaitGroup
	for range 8 {
		c := openGo(t, addr, &ch.Compression{Method: ch.CompressionLZ4})
		readers.Go(func() { readCounts(t, c, size, written) })
	}
	for i := range batches {
		b, err := w.PrepareBatch(t.Context(), "INSERT INTO go_busy")
		if err != nil {
			t.Fatal(err)
		}
		for j := range size {
			if err := b.Append(uint64(i*size+j), "x"); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Send(); err != nil {
			t.Fatal(err)
		}
	}
	close(written)
	readers.Wait()
}

// readCounts reads the table go_busy until it is written, and once more.
func readCounts(t *testing.T, c ch.Conn, size uint64, written <-chan struct{}) {
	for last, ended := uint64(0), false; !ended; {
		select {
		case <-written:
			ended = true
		default:
		}
		var n, sum uint64
		if err := c.QueryRow(t.Context(), "SELECT count(), sum(a) FROM go_busy").Scan(&n, &sum); err != nil {
			t.Error(err)
			return
		}
		if n%size != 0 || n < last || n > 0 && sum != n*(n-1)/2 {
			t.Errorf("%d rows after %d, sum %d", n, last, sum)
		}
		last = n
	}
}
