// Package clients drives the embedded engine's front with the clients that people have: clickhouse-go, npm's
// @clickhouse/client, Python's clickhouse-connect with pandas and SQLAlchemy, and curl.
//
// Each reads and writes every type of column that our tables have, at its edges, and is cancelled, refused and set
// beside others. The scripts in testdata print what a client saw, and this package judges it. The packages of npm and
// Python are installed once into the user's cache, by the lock files.
//
// What the clients send, TestRecord can record for the fast test of the front itself.
//
// What cannot work with the engine in a library, and what comes instead, is in the doc comment of pkg/embedded/clickhouse.
// Two limits are the clients' own: clickhouse-go and pandas hold times as nanoseconds in 64 bits, so beyond
// 2262-04-11 clickhouse-go reads a wrong time (curl reads the right one), and JavaScript writes -0 as 0.
package clients_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// columns is a table with every type that our tables and views have.
type columns struct {
	types []string
	// rows of edge values; each type's are repeated until the longest is through.
	rows [][]value
}

// engine has our tables, and the table reference of every type and edge value. It is made once.
var engine = sync.OnceValues(func() (*columns, error) {
	ctx := context.Background()
	db, err := clickhouse.Open(clickhouse.Config{Addr: shared.addr})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if _, err := stack.Migrate(ctx, db, 3); err != nil {
		return nil, err
	}
	var c columns
	types := "SELECT DISTINCT type FROM system.columns WHERE database IN ('tributary', 'bi', 'api') ORDER BY type"
	if err := db.Each(ctx, types, func(scan func(...any) error) error {
		c.types = append(c.types, "")
		return scan(&c.types[len(c.types)-1])
	}); err != nil {
		return nil, err
	}
	if err := c.fill(1 << 20); err != nil {
		return nil, err
	}
	for _, s := range append(facts, c.create("reference"), c.insert("reference")) {
		if err := db.Exec(ctx, s); err != nil {
			return nil, fmt.Errorf("fill the tables: %w", err)
		}
	}
	return &c, nil
})

// Ids are 128 bits wide; these have every kind of byte that a text format could stumble over. The views show them as hex.
const (
	eventID   = "000102030405060708090a0d22275cff"
	sessionID = "ffeeddcc00112233445566778899aabb"
)

// facts are a row each in bi.events and bi.sessions.
var facts = []string{
	"INSERT INTO tributary.events (store, visitor, event_id, version, ingest_ts, action) VALUES ('demo', 'it''s me', unhex('" + eventID + "'), 1, '2026-01-01 10:00:00', 'page_viewed')",
	`INSERT INTO tributary.sessions (epoch, store, created_day, session_id, version, deleted, visitor, started_at, trail_action)
		VALUES (0, 'demo', '2026-01-01', unhex('` + sessionID + `'), 1, 0, 'it''s me', '2026-01-01 10:00:00', ['page_viewed'])`,
}

// shared is where engine finds the test binary's engine.
var shared struct{ addr string }

// start returns the engine's address and the columns of the table reference.
func start(t *testing.T) (addr string, c *columns) {
	t.Helper()
	shared.addr = harness.Engine(t)
	c, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	return shared.addr, c
}

// fill makes the rows, of values that are not longer than that in SQL.
func (c *columns) fill(longest int) error {
	var of [][]value
	n := 0
	for _, typ := range c.types {
		v, err := values(typ, longest)
		if err != nil {
			return err
		}
		of, n = append(of, v), max(n, len(v))
	}
	for i := range n {
		row := make([]value, len(of))
		for j, v := range of {
			row[j] = v[i%len(v)]
		}
		c.rows = append(c.rows, row)
	}
	return nil
}

// create is the statement for a table of these columns, c0, c1 ..., after the row's number n.
func (c *columns) create(table string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE OR REPLACE TABLE %s (n UInt32", table)
	for i, typ := range c.types {
		fmt.Fprintf(&b, ", c%d %s", i, typ)
	}
	return b.String() + ") ENGINE = MergeTree ORDER BY n"
}

// createHex is the same for a client that writes text only: it gives the bytes of a FixedString as hex, in c0_hex.
func (c *columns) createHex(table string) string {
	sql := c.create(table)
	for i, typ := range c.types {
		if strings.HasPrefix(typ, "FixedString") {
			column := fmt.Sprintf("c%d", i)
			sql = strings.Replace(sql, column+" "+typ, fmt.Sprintf("%s_hex String EPHEMERAL, %s %s DEFAULT unhex(%[1]s_hex)", column, column, typ), 1)
		}
	}
	return sql
}

// selectHex reads the table with such columns as hex.
func (c *columns) selectHex(table string) string {
	out := "SELECT n"
	for i, typ := range c.types {
		if strings.HasPrefix(typ, "FixedString") {
			out += fmt.Sprintf(", lower(hex(c%d)) AS c%d_hex", i, i)
		} else {
			out += fmt.Sprintf(", c%d", i)
		}
	}
	return out + " FROM " + table + " ORDER BY n"
}

func (c *columns) insert(table string) string {
	var rows []string
	for i, row := range c.rows {
		sql := []string{strconv.Itoa(i)}
		for _, v := range row {
			sql = append(sql, v.sql)
		}
		rows = append(rows, "("+strings.Join(sql, ", ")+")")
	}
	return "INSERT INTO " + table + " VALUES " + strings.Join(rows, ", ")
}

// expectRead compares what a client read of the whole table, without n, with the edge values.
func (c *columns) expectRead(t *testing.T, what string, got [][]any) {
	t.Helper()
	if len(got) != len(c.rows) {
		t.Errorf("%s: %d rows, expected %d", what, len(got), len(c.rows))
		return
	}
	for i, row := range c.rows {
		for j, typ := range c.types {
			if g, w := normal(typ, got[i][j]), normal(typ, row[j].want); !reflect.DeepEqual(g, w) {
				t.Errorf("%s: row %d, type %s: got %.200q, expected %.200q", what, i, typ, fmt.Sprint(g), fmt.Sprint(w))
			}
		}
	}
}

// normal brings the ways in which languages print a value of the type into one.
func normal(typ string, v any) any {
	outer, inner, _ := strings.Cut(strings.TrimSuffix(typ, ")"), "(")
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = normal(inner, v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		_, val, _ := strings.Cut(inner, ", ")
		for k, x := range v {
			out[k] = normal(val, x)
		}
		return out
	case json.Number:
		return normal(typ, v.String())
	case string:
		switch outer {
		case "LowCardinality", "Nullable":
			return normal(inner, v)
		case "FixedString":
			if len(v) == 16 {
				return hex.EncodeToString([]byte(v))
			}
		case "Float64":
			if f, err := strconv.ParseFloat(v, 64); err == nil && f == f {
				return strconv.FormatUint(math.Float64bits(f), 16) // minus zero is not zero
			}
		case "Date": // pandas has times only
			return strings.TrimSuffix(v, " 00:00:00.000")
		case "DateTime", "DateTime64":
			return strings.TrimSuffix(v, ".000")
		}
	}
	return v
}

// expectSame compares a table that a client wrote with the reference, by what the engine says of both.
func (c *columns) expectSame(t *testing.T, table string) {
	t.Helper()
	names := make([]string, 0, len(c.types))
	for i, typ := range c.types {
		name := fmt.Sprintf("c%d", i)
		switch { // languages keep no order of a map's keys
		case strings.HasPrefix(typ, "Map("):
			name = "mapSort(" + name + ")"
		case strings.HasPrefix(typ, "Array(Map("):
			name = "arrayMap(m -> mapSort(m), " + name + ")"
		}
		names = append(names, name)
	}
	query := "SELECT toString((n, " + strings.Join(names, ", ") + ")) FROM %s ORDER BY n"
	got, want := lines(t, fmt.Sprintf(query, table)), lines(t, fmt.Sprintf(query, "reference"))
	if len(got) != len(want) {
		t.Errorf("%s: %d rows, expected %d", table, len(got), len(want))
		return
	}
	for i := range want {
		if at := differ(got[i], want[i]); at >= 0 {
			t.Errorf("%s: row %d differs: got %q, expected %q", table, i, part(got[i], at), part(want[i], at))
		}
	}
}

// differ is the first place where two texts differ, or -1.
func differ(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}

func part(s string, at int) string { return s[max(0, at-60):min(len(s), at+60)] }

// lines are the values of a query with one column.
func lines(t *testing.T, query string) (out []string) {
	t.Helper()
	db, err := clickhouse.Open(clickhouse.Config{Addr: harness.Engine(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Each(t.Context(), query, func(scan func(...any) error) error {
		out = append(out, "")
		return scan(&out[len(out)-1])
	}); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

// expectJSON compares by name what a script printed with what is expected, both as JSON.
func expectJSON(t *testing.T, got map[string]json.RawMessage, want map[string]any) {
	t.Helper()
	for name, w := range want {
		b, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(exact(t, got[name]), exact(t, b)) {
			t.Errorf("%s: got %s, expected %s", name, got[name], b)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: the script printed what nobody expects: %s", name, got[name])
		}
	}
}

// exact is the JSON with numbers as they are written.
func exact(t *testing.T, b []byte) (v any) {
	t.Helper()
	if len(b) == 0 {
		return errors.New("nothing")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return v
}

// nothingRuns waits until no statement with the mark runs.
func nothingRuns(t *testing.T, mark string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); len(running(t, mark)) > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("a statement that its client left still runs: %s", mark)
		}
	}
}

func running(t *testing.T, mark string) []string {
	t.Helper()
	return lines(t, "SELECT query FROM system.processes WHERE query LIKE '%"+mark+"%' AND query NOT LIKE '%system.processes%'")
}
