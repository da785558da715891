package stack_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/services/tributary/backfill"
)

// edited is a store whose funnel got a step in its second version, at midnight of the third of January.
func edited(t *testing.T, db *clickhouse.DB) {
	t.Helper()
	file := func(version int, steps string) string {
		return fmt.Sprintf("store: demo\nedge: {write_keys: [k]}\nmeaning:\n  time_zone: UTC\n  currency: EUR\n  funnels: [{name: purchase, version: %d, steps: [%s], breakdowns: [[channel, device]]}]\n", version, steps)
	}
	for _, c := range []struct {
		id, from, steps, list string
		version               int
	}{{"a", "1970-01-01 00:00:00", "{action: session}, {action: purchased}", "['session', 'purchased']", 1},
		{"b", "2026-01-03 00:00:00", "{action: session}, {action: cart_added}, {action: purchased}", "['session', 'cart_added', 'purchased']", 2}} {
		exec(t, db, fmt.Sprintf(`INSERT INTO tributary.store_configs (store, config_id, effective_from, version, time_zone, file, funnel, funnel_version, steps, breakdowns)
			SELECT 'demo', '%s', toDateTime64('%s', 3, 'UTC') AS f, toUnixTimestamp64Milli(f), 'UTC', '%s', 'purchase', %d, %s, ['channel,device']`, c.id, c.from, file(c.version, c.steps), c.version, c.list))
	}
	visit := func(id int, at, trail string) {
		exec(t, db, fmt.Sprintf(`INSERT INTO tributary.sessions (epoch, store, created_day, session_id, version, visitor, started_at, ended_at, channel, device, events, trail_action, trail_ts, trail_value_minor, trail_product, trail_order_id)
			SELECT 0, 'demo', '2026-01-01', unhex(leftPad('%d', 32, '0')), 1, 'v', toDateTime64('%s', 3, 'UTC') AS s, s, 'Email', 'mobile', 1, [%s]::Array(String) AS a,
				arrayMap((x, i) -> s + toIntervalSecond(i * 60), a, arrayEnumerate(a)), arrayMap(x -> 700, a), arrayMap(x -> '', a), arrayMap(x -> '', a)`, id, at, trail))
	}
	visit(1, "2026-01-01 10:00:00", "'cart_added', 'purchased'")
	visit(2, "2026-01-01 10:05:00", "'purchased'")
	visit(3, "2026-01-02 10:00:00", "'cart_added'")
	visit(4, "2026-01-02 23:59:00", "'cart_added', 'purchased'")
	visit(5, "2026-01-03 00:00:00", "'cart_added'") // the stream counted it in version 2
	for _, at := range []string{"2026-01-01 10:00:00", "2026-01-02 10:00:00", "2026-01-02 23:45:00"} {
		exec(t, db, cell("demo", at, 0, 1, "[9, 1]")) // what the stream counted in version 1: other numbers, to tell the two apart
	}
}

func finalThrough(t *testing.T, db *clickhouse.DB, version int, at string) {
	t.Helper()
	for p := range 3 {
		exec(t, db, fmt.Sprintf(`INSERT INTO tributary.progress (epoch, stage, generation, partition, version, watermark, final, offset) SELECT 0, 'sessions', 0, %d, %d, '%s', '%s', 0`, p, version, at, at))
	}
}

const edits = "SELECT formatDateTime(window_start, '%d %H:%i'), funnel_version, groupArray(units) FROM (SELECT * FROM bi.funnel_steps ORDER BY step) GROUP BY window_start, funnel_version ORDER BY window_start, funnel_version"

// Ensure that a new version is counted for earlier time from final sessions only, day by day, that what an interrupted run counted is not
// shown, that the next one goes on, and that each window counts in one version.
func TestBackfill(t *testing.T) {
	db := fresh(t)
	edited(t, db)
	finalThrough(t, db, 1, "2026-01-02 12:00:00")
	days := 0
	ctx, interrupt := context.WithCancel(t.Context())
	job := backfill.Job{DB: db, Store: "demo", Funnel: "purchase", Now: time.Now, Progress: func(_, _, _ time.Time) {
		days++
		interrupt()
	}}
	if _, err := job.Run(ctx); !errors.Is(err, context.Canceled) || days != 1 {
		t.Fatalf("interrupted after %d days: %v", days, err)
	}
	old := []string{"01 10:00 1 [9 1]", "02 10:00 1 [9 1]", "02 23:45 1 [9 1]"}
	expect(t, db, edits, old...)
	job.Progress = nil
	r, err := job.Run(t.Context())
	if err != nil || !r.Rest || r.Version != 2 || r.Sessions == 0 || r.Cells != 1 {
		t.Fatalf("second run: %+v, %v", r, err)
	}
	expect(t, db, edits, "01 10:00 2 [2 1 1]", "02 10:00 2 [1 1 0]", old[2])
	if _, err := job.Run(t.Context()); !errors.Is(err, backfill.ErrNothing) {
		t.Errorf("nothing more is final: %v", err)
	}
	finalThrough(t, db, 2, "2026-01-05 00:00:00")
	if r, err = job.Run(t.Context()); err != nil || r.Rest || r.Cells != 1 {
		t.Fatalf("third run: %+v, %v", r, err)
	}
	expect(t, db, edits, "01 10:00 2 [2 1 1]", "02 10:00 2 [1 1 0]", "02 23:45 2 [1 1 1]")
	expect(t, db, "SELECT sum(observed_value) FROM bi.funnel_steps WHERE action = 'purchased'", "1400")
	job.Version = 1
	if _, err := job.Run(t.Context()); !errors.Is(err, backfill.ErrNothing) {
		t.Errorf("version 1 has counted since ever: %v", err)
	}
}
