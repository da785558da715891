package clickhouse_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/embedded/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

func open(t testing.TB) *clickhouse.DB {
	t.Helper()
	db, err := clickhouse.Open(clickhouse.Config{Addr: harness.Engine(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func exec(t testing.TB, db *clickhouse.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if err := db.Exec(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func texts(t testing.TB, db *clickhouse.DB, query string) (out []string) {
	t.Helper()
	err := db.Each(context.Background(), query, func(scan func(...any) error) error {
		var s string
		err := scan(&s)
		out = append(out, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Ensure that migrations run once, in order, and that a broken one names its file and statement and can be mended.
func TestMigrate(t *testing.T) {
	db, ctx := open(t), context.Background()
	files := fstest.MapFS{
		"m/0002_b.sql": {Data: []byte("INSERT INTO mig.x VALUES (2);\n")},
		"m/0001_a.sql": {Data: []byte("-- first; with a comment;\nCREATE DATABASE mig;\nCREATE TABLE mig.x (n Int64)\nENGINE = MergeTree ORDER BY n;\nINSERT INTO mig.x VALUES (1);\n")},
		"m/README":     {Data: []byte("not a migration")},
	}
	for _, want := range [][]string{{"0001_a.sql", "0002_b.sql"}, nil} {
		if got, err := db.Migrate(ctx, files, "m"); err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
	files["m/0003_c.sql"] = &fstest.MapFile{Data: []byte("INSERT INTO mig.x VALUES (3);\nSELECT nonsense;\n")}
	if _, err := db.Migrate(ctx, files, "m"); err == nil || !strings.Contains(err.Error(), "migration 0003_c.sql, statement 2") {
		t.Errorf("got %v", err)
	}
	files["m/0003_c.sql"].Data = []byte("INSERT INTO mig.x VALUES (4);\n")
	if got, err := db.Migrate(ctx, files, "m"); err != nil || !slices.Equal(got, []string{"0003_c.sql"}) {
		t.Errorf("mended: got %v, %v", got, err)
	}
	if got := texts(t, db, "SELECT toString(n) FROM mig.x ORDER BY n"); !slices.Equal(got, []string{"1", "2", "3", "4"}) {
		t.Errorf("got rows %v", got)
	}
}

func runWriter(t testing.TB, db *clickhouse.DB) *clickhouse.Writer {
	t.Helper()
	w := clickhouse.NewWriter(db, zap.NewNop())
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return w
}

// Ensure that flushes of many partitions arrive whole, and that each writer hears when its own rows are safe.
func TestWriter(t *testing.T) {
	db := open(t)
	exec(t, db, "CREATE DATABASE w", "CREATE TABLE w.data (p UInt16, n Int64) ENGINE = MergeTree ORDER BY n", "CREATE TABLE w.marks (p UInt16, n Int64) ENGINE = MergeTree ORDER BY n")
	w := runWriter(t, db)
	data, marks := &clickhouse.Table{Name: "w.data", Columns: "p, n"}, &clickhouse.Table{Name: "w.marks", Columns: "p, n"}
	failed := make(chan error, 8)
	for p := range uint16(8) {
		go func() {
			failed <- w.Write(context.Background(), clickhouse.Submission{
				Data:  []clickhouse.Insert{{Table: data, Rows: [][]any{{p, int64(1)}, {p, int64(2)}}}},
				Marks: []clickhouse.Insert{{Table: marks, Rows: [][]any{{p, int64(2)}}}}})
		}()
	}
	for range 8 {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
	if got := texts(t, db, "SELECT concat(toString(count()), ' ', toString(sum(n))) FROM w.data UNION ALL SELECT toString(count()) FROM w.marks"); !slices.Contains(got, "16 24") || !slices.Contains(got, "8") {
		t.Errorf("got %v", got)
	}
	if err := w.Write(context.Background(), clickhouse.Submission{}); err != nil {
		t.Errorf("nothing to write: %v", err)
	}
}

// Ensure that marks are not written when data is refused, and that what can never fit is not tried for ever.
func TestWriterRefusesBadRows(t *testing.T) {
	db := open(t)
	exec(t, db, "CREATE DATABASE bad", "CREATE TABLE bad.marks (n Int64) ENGINE = MergeTree ORDER BY n", "CREATE TABLE bad.data (n Int64) ENGINE = MergeTree ORDER BY n")
	w := runWriter(t, db)
	mark := []clickhouse.Insert{{Table: &clickhouse.Table{Name: "bad.marks", Columns: "n"}, Rows: [][]any{{int64(1)}}}}
	for name, in := range map[string]clickhouse.Insert{
		"wrong type":    {Table: &clickhouse.Table{Name: "bad.data", Columns: "n"}, Rows: [][]any{{"text"}}},
		"missing table": {Table: &clickhouse.Table{Name: "bad.nowhere", Columns: "n"}, Rows: [][]any{{int64(1)}}},
	} {
		if err := w.Write(context.Background(), clickhouse.Submission{Data: []clickhouse.Insert{in}, Marks: mark}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if got := texts(t, db, "SELECT toString(count()) FROM bad.marks"); !slices.Equal(got, []string{"0"}) {
		t.Errorf("%v marks were written without their data", got)
	}
}

// Ensure that a server that is away is waited for, and that the one who waits can give up.
func TestWriterWaitsForTheServer(t *testing.T) {
	db, err := clickhouse.Open(clickhouse.Config{Addr: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := runWriter(t, db)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	err = w.Write(ctx, clickhouse.Submission{Data: []clickhouse.Insert{{Table: &clickhouse.Table{Name: "x", Columns: "n"}, Rows: [][]any{{int64(1)}}}}})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := db.WaitTable(ctx, "x"); err == nil || !strings.Contains(err.Error(), "tributary migrate") {
		t.Errorf("got %v", err)
	}
}

func TestSelect(t *testing.T) {
	rows, err := open(t).Select(context.Background(), "SELECT toUInt8(7) AS n, 'x' AS s, [1.5] AS a UNION ALL SELECT 8, 'y', []")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(rows.Columns, rows.Types, len(rows.Values)); got != "[n s a] [UInt8 String Array(Float64)] 2" {
		t.Errorf("got %s", got)
	}
	if _, err := open(t).Select(context.Background(), "SELECT * FROM nowhere"); err == nil {
		t.Error("a missing table was read")
	}
}

func TestOpenNeedsAnAddress(t *testing.T) {
	if _, err := clickhouse.Open(clickhouse.Config{}); err == nil || !strings.Contains(err.Error(), "TRIBUTARY_CLICKHOUSE_ADDR") {
		t.Errorf("got %v", err)
	}
}

func BenchmarkInsert(b *testing.B) {
	db := open(b)
	exec(b, db, "CREATE DATABASE IF NOT EXISTS bench", "CREATE TABLE IF NOT EXISTS bench.x (p UInt16, n Int64, s String) ENGINE = MergeTree ORDER BY n")
	w := runWriter(b, db)
	in := clickhouse.Insert{Table: &clickhouse.Table{Name: "bench.x", Columns: "p, n, s"}}
	for i := range int64(50_000) {
		in.Rows = append(in.Rows, []any{uint16(i % 12), i, "visitor"})
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(context.Background(), clickhouse.Submission{Data: []clickhouse.Insert{in}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*50_000), "ns/row")
}
