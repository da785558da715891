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
// Some limits are the clients' own: clickhouse-go holds times as nanoseconds in 64 bits and reads a wrong one after
// 2262-04-11, where the others read the right one; JavaScript writes -0 as 0, and loses digits of 64-bit numbers unless
// they are asked for in quotes; data frames with arrays of times must be written as Python's own times.
package clients_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

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

// facts are a row each in bi.events and bi.sessions, and a funnel with cells, so that most views have rows.
var facts = []string{
	`INSERT INTO tributary.store_configs (store, config_id, effective_from, version, time_zone, file, funnel, funnel_version, steps, breakdowns)
		VALUES ('demo', '1', 0, 0, 'Europe/Berlin', '', 'purchase', 1, ['session', 'purchased'], ['channel,device'])`,
	`INSERT INTO tributary.funnel_cells (epoch, store, stage, funnel, funnel_version, basis, window_seconds, window_start, breakdown, values, class, generation, partition, version, units, implied, observed_value, open_units, time_to_step)
		VALUES (0, 'demo', 'visitor', 'purchase', 1, 'entry', 900, '2026-01-01 10:00:00', 'channel,device', ['Email', 'mobile'], 'human', 0, 0, 1, [300, 30], [0, 0], [0, 0], [300, 30], [map(), map(34, 30)])`,
	"INSERT INTO tributary.events (store, visitor, event_id, version, ingest_ts, action) VALUES ('demo', 'it''s me', unhex('" + eventID + "'), 1, '2026-01-01 10:00:00', 'page_viewed')",
	`INSERT INTO tributary.sessions (epoch, store, created_day, session_id, version, deleted, visitor, started_at, trail_action)
		VALUES (0, 'demo', '2026-01-01', unhex('` + sessionID + `'), 1, 0, 'it''s me', '2026-01-01 10:00:00', ['page_viewed'])`,
}

// viewRows are how many rows each view has, as another client of ours counts them. A view with a rate has NULLs in some of them.
func viewRows(t *testing.T) map[string]int {
	t.Helper()
	out, some := map[string]int{}, 0
	for _, name := range lines(t, "SELECT name FROM system.tables WHERE database = 'bi' ORDER BY name") {
		out[name] = len(lines(t, "SELECT 'x' FROM bi."+name))
		some += min(1, out[name])
	}
	if some < 12 {
		t.Errorf("only %d views have rows: %v", some, out)
	}
	return out
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
