package stack_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/services/aggregator/minutes"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// fresh is the engine with all tables, empty, for three partitions.
func fresh(t *testing.T) *clickhouse.DB {
	t.Helper()
	db, err := clickhouse.Open(clickhouse.Config{Addr: harness.Engine(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, name := range []string{"tributary", "bi", "api"} {
			if err := db.Exec(context.Background(), "DROP DATABASE "+name+" SYNC"); err != nil {
				t.Error(err)
			}
		}
		db.Close()
	})
	if _, err := stack.Migrate(context.Background(), db, 3); err != nil {
		t.Fatal(err)
	}
	return db
}

func exec(t *testing.T, db *clickhouse.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if err := db.Exec(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// lines runs a query and returns its rows, values joined by spaces.
func lines(t *testing.T, db *clickhouse.DB, query string) (out []string) {
	t.Helper()
	rows, err := db.Select(context.Background(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	for _, r := range rows.Values {
		out = append(out, strings.TrimSuffix(fmt.Sprintln(r...), "\n"))
	}
	return out
}

func expect(t *testing.T, db *clickhouse.DB, query string, want ...string) {
	t.Helper()
	if got := lines(t, db, query); !slices.Equal(got, want) {
		t.Errorf("%s\ngot  %q\nwant %q", query, got, want)
	}
}

// Ensure that an analyst finds an explanation at every column of every view, and that migrating twice changes nothing.
func TestEveryColumnHasAComment(t *testing.T) {
	db := fresh(t)
	expect(t, db, "SELECT table, name FROM system.columns WHERE database IN ('bi', 'api') AND comment = ''")
	expect(t, db, "SELECT DISTINCT table FROM system.columns WHERE database = 'bi' ORDER BY table", "alerts", "annotations", "campaigns_daily",
		"channels_daily", "completeness", "data_freshness", "dead_letters", "devices_daily", "diagnoses", "events", "funnel_daily", "funnel_hourly", "funnel_minutes",
		"funnel_steps", "funnel_steps_by_occurrence", "funnel_totals_daily", "funnel_versions", "funnel_weekly", "gaps", "intake", "landing_pages_daily", "late_events",
		"micro_conversions_daily", "orders", "reconcile_findings", "reconciliations", "refused_daily", "segments_daily", "segments_hourly", "sessions", "time_to_step_daily", "traffic_classes_daily")
	if applied, err := stack.Migrate(context.Background(), db, 3); err != nil || len(applied) != 0 {
		t.Errorf("migrating again: %v, %v", applied, err)
	}
	expect(t, db, "SELECT generation, partitions FROM tributary.generations", "0 3")
}

// progress of a partition: its own marks, in minutes of 2026-01-01.
func progress(partition, version, w, final int) string {
	return fmt.Sprintf(`INSERT INTO tributary.progress (epoch, stage, generation, partition, version, watermark, final, offset)
		SELECT 0, 'sessions', 0, %d, %d, toDateTime('2026-01-01 00:00:00', 'UTC') + INTERVAL %d MINUTE, toDateTime('2026-01-01 00:00:00', 'UTC') + INTERVAL %d MINUTE, 0`,
		partition, version, w, final)
}

// Ensure that completeness waits for every partition, and that a partition that lags makes exactly its windows not final.
func TestALaggingPartitionHoldsItsWindows(t *testing.T) {
	db := fresh(t)
	exec(t, db, config("demo", "UTC"))
	for minute := 0; minute < 60; minute += 15 {
		exec(t, db, cell("demo", fmt.Sprintf("2026-01-01 00:%02d:00", minute), 0, 1, "[1, 0]"))
	}
	final := "SELECT formatDateTime(window_start, '%H:%i'), final FROM bi.funnel_steps WHERE step = 1 ORDER BY window_start"
	exec(t, db, progress(0, 1, 50, 45), progress(1, 1, 60, 60))
	expect(t, db, "SELECT toUnixTimestamp(final_through), partitions, partitions_expected FROM bi.completeness", "0 2 3")
	expect(t, db, final, "00:00 0", "00:15 0", "00:30 0", "00:45 0")
	exec(t, db, progress(2, 1, 20, 15))
	expect(t, db, "SELECT formatDateTime(processed_through, '%H:%i'), formatDateTime(final_through, '%H:%i'), partitions FROM bi.completeness", "00:20 00:15 3")
	expect(t, db, final, "00:00 1", "00:15 0", "00:30 0", "00:45 0")
	exec(t, db, progress(2, 2, 60, 60))
	expect(t, db, final, "00:00 1", "00:15 1", "00:30 1", "00:45 0") // now partition 0 is the last
}

// cell of the funnel purchase at one time.
func cell(store, at string, partition, version int, units string) string {
	return fmt.Sprintf(`INSERT INTO tributary.funnel_cells (epoch, store, stage, funnel, funnel_version, basis, window_seconds, window_start, breakdown, values,
		class, generation, partition, version, units, implied, observed_value) VALUES
		(0, '%s', 'visitor', 'purchase', 1, 'entry', 900, '%s', 'channel,device', ['Email', 'mobile'], 'human', 0, %d, %d, %s, [0, 0], [500, 0])`,
		store, at, partition, version, units)
}

func config(store, zone string) string {
	return fmt.Sprintf(`INSERT INTO tributary.store_configs (store, config_id, effective_from, version, time_zone, file, funnel, funnel_version, steps)
		VALUES ('%s', '1', 0, 0, '%s', '', 'purchase', 1, ['session', 'purchased'])`, store, zone)
}

// Ensure that cells of partitions add up, that the highest version of each counts, and that hours and days are the store's.
func TestFunnelViews(t *testing.T) {
	db := fresh(t)
	exec(t, db, config("utc", "UTC"), config("india", "Asia/Kolkata"))
	for _, store := range []string{"utc", "india"} {
		exec(t, db, cell(store, "2026-01-01 18:15:00", 0, 5, "[10, 4]"), cell(store, "2026-01-01 18:15:00", 0, 4, "[99, 99]"),
			cell(store, "2026-01-01 18:15:00", 1, 1, "[3, 1]"), cell(store, "2026-01-01 18:30:00", 1, 2, "[7, 1]"),
			cell(store, "2026-01-01 18:45:00", 1, 3, "[0, 0]"))
	}
	expect(t, db, "SELECT formatDateTime(window_start, '%H:%i'), channel, device, step, action, units, entered, observed_value FROM bi.funnel_steps WHERE store = 'utc' ORDER BY window_start, step",
		"18:15 Email mobile 1 session 13 13 1000", "18:15 Email mobile 2 purchased 5 13 0", "18:30 Email mobile 1 session 7 7 500", "18:30 Email mobile 2 purchased 1 7 0")
	expect(t, db, "SELECT formatDateTime(hour, '%H:%i'), step, units, entered, rate FROM bi.funnel_hourly WHERE store = 'utc' ORDER BY hour, step", "18:00 1 20 20 <nil>", "18:00 2 6 20 <nil>")
	expect(t, db, "SELECT store, toString(day), units FROM bi.funnel_daily WHERE step = 1 ORDER BY store, day",
		"india 2026-01-01 13", "india 2026-01-02 7", "utc 2026-01-01 20") // midnight in India is 18:30 UTC
	exec(t, db, "INSERT INTO tributary.funnel_cells (epoch, store, stage, funnel, funnel_version, basis, window_seconds, window_start, breakdown, values, class, generation, partition, version, units, implied, observed_value) SELECT 1, store, stage, funnel, funnel_version, basis, window_seconds, window_start, breakdown, values, class, generation, partition, version, [1, 1], implied, observed_value FROM tributary.funnel_cells FINAL WHERE store = 'utc' AND partition = 0")
	expect(t, db, "SELECT sum(units) FROM bi.funnel_steps WHERE store = 'utc' AND step = 1", "20")
	exec(t, db, "INSERT INTO tributary.epochs (epoch, live_from_day) VALUES (1, '2026-01-02')")
	expect(t, db, "SELECT sum(units) FROM bi.funnel_steps WHERE store = 'utc' AND step = 1", "1") // the switch is one row
}

// Ensure that the first record of an event id wins, over midnight too, and that a session's tombstone takes it out.
func TestFactViews(t *testing.T) {
	db := fresh(t)
	event := `INSERT INTO tributary.events (store, visitor, event_id, version, ingest_ts, action) VALUES ('demo', 'a', unhex('000102030405060708090a0b0c0d0e0f'), %s, '%s', '%s')`
	exec(t, db, fmt.Sprintf(event, "18446744073709551610", "2026-01-01 23:59:59", "first"), fmt.Sprintf(event, "18446744073709551609", "2026-01-02 00:00:01", "again"))
	expect(t, db, "SELECT event_id, action FROM bi.events", "000102030405060708090a0b0c0d0e0f first")
	exec(t, db, "OPTIMIZE TABLE tributary.events FINAL")
	expect(t, db, "SELECT event_id, action FROM bi.events", "000102030405060708090a0b0c0d0e0f first")
	exec(t, db, strings.Replace(fmt.Sprintf(event, "7", "2026-01-02 00:00:02", "elsewhere"), "'demo'", "'other'", 1))
	expect(t, db, "SELECT store, action FROM bi.events ORDER BY store", "demo first", "other elsewhere") // an id is its store's
	session := `INSERT INTO tributary.sessions (epoch, store, created_day, session_id, version, deleted, visitor, started_at, trail_action) VALUES
		(0, 'demo', '2026-01-01', unhex('ff'), %d, %d, 'a', '2026-01-01 10:00:00', ['page_viewed'])`
	exec(t, db, fmt.Sprintf(session, 1, 0))
	expect(t, db, "SELECT session_id, visitor, actions, final FROM bi.sessions", "ff000000000000000000000000000000 a [page_viewed] 0")
	exec(t, db, `INSERT INTO tributary.sessions (epoch, store, created_day, session_id, version, deleted, visitor, started_at, trail_action, flags, tail_events) VALUES
		(0, 'demo', '2026-01-01', unhex('ee'), 1, 0, 'a', '2026-01-01 10:00:00', ['page_viewed'], 43, 7)`)
	expect(t, db, "SELECT class, switched, capped, tail_events, currency_unknown FROM bi.sessions ORDER BY session_id", "bot 1 1 7 1", "human 0 0 0 0")
	exec(t, db, "DELETE FROM tributary.sessions WHERE session_id = unhex('ee')")
	for p := range 3 {
		exec(t, db, progress(p, 1, 700, 601))
	}
	expect(t, db, "SELECT final FROM bi.sessions", "1")
	exec(t, db, fmt.Sprintf(session, 3, 1), fmt.Sprintf(session, 2, 0))
	expect(t, db, "SELECT session_id FROM bi.sessions")
}

// Ensure that of several tellers of an order the webhook counts, then the server, then the browser, then who came first;
// and that refunds restate it, whenever they came and however often they were told.
func TestOrders(t *testing.T) {
	db := fresh(t)
	order := func(id, source string, partition, ms, minor int) string {
		return fmt.Sprintf(`INSERT INTO tributary.orders (store, order_id, source, generation, partition, version, ingest_ts, offset, ordered_at, value_minor, currency, base_value_minor)
			VALUES ('demo', '%s', '%s', 0, %d, 1, fromUnixTimestamp64Milli(%d), 0, 0, %d, 'EUR', %d)`, id, source, partition, ms, minor, minor)
	}
	refund := func(id, event string, partition, minor, whole int) string {
		return fmt.Sprintf(`INSERT INTO tributary.refunds (store, order_id, event_id, generation, partition, version, base_value_minor, whole)
			VALUES ('demo', '%s', unhex('%s'), 0, %d, 1, %d, %d)`, id, event, partition, minor, whole)
	}
	exec(t, db, refund("a", "01", 3, 200, 0), refund("a", "01", 9, 200, 0), refund("a", "02", 3, 50, 0), refund("d", "04", 3, 900, 0), refund("c", "03", 3, 0, 1))
	exec(t, db, order("a", "browser", 3, 1000, 900), order("a", "webhook", 9, 5000, 1000), order("a", "server", 1, 500, 800),
		order("b", "browser", 5, 2000, 70), order("b", "browser", 4, 1000, 60), order("c", "browser", 3, 1000, 500), order("d", "browser", 3, 1000, 500))
	expect(t, db, "SELECT order_id, source, base_value_minor, refunded_minor, net_value_minor, refunds, tellers FROM bi.orders ORDER BY order_id",
		"a webhook 1000 250 750 2 3", "b browser 60 0 60 0 1", "c browser 500 500 0 1 1", "d browser 500 500 0 1 1")
}

// Ensure that minutes go three days behind the final mark, whole days at a time, and quarters of an hour stay.
func TestMinutesAreDropped(t *testing.T) {
	db := fresh(t)
	exec(t, db, config("demo", "UTC"))
	for _, day := range []string{"01", "02", "03"} {
		exec(t, db, cell("demo", "2026-01-"+day+" 10:00:00", 0, 1, "[1, 0]"), strings.Replace(cell("demo", "2026-01-"+day+" 10:00:00", 0, 1, "[1, 0]"), " 900,", " 60,", 1))
	}
	for p := range 3 {
		exec(t, db, progress(p, 1, 5*1440, 5*1440)) // final through 2026-01-06
	}
	d := minutes.New(db, zap.NewNop())
	if days, err := d.Drop(t.Context()); err != nil || !slices.Equal(days, []string{"2026-01-01", "2026-01-02"}) {
		t.Errorf("dropped %v, %v", days, err)
	}
	expect(t, db, "SELECT DISTINCT toString(toDate(window_start)) FROM bi.funnel_minutes", "2026-01-03")
	expect(t, db, "SELECT count() FROM bi.funnel_steps WHERE step = 1", "3")
	if days, err := d.Drop(t.Context()); err != nil || len(days) != 0 {
		t.Errorf("again: dropped %v, %v", days, err)
	}
}
