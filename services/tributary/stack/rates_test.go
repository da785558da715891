package stack_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/insight"
)

var update = flag.Bool("update", false, "write the golden file of the views' columns anew")

// Ensure that no column of a view goes, or changes its type or meaning, unnoticed: BI tools rely on them.
func TestViewsAreGolden(t *testing.T) {
	db := fresh(t)
	got := strings.Join(lines(t, db, `SELECT concat(database, '.', table, '\t', name, '\t', type, '\t', comment) FROM system.columns
		WHERE database IN ('bi', 'api') ORDER BY database, table, position`), "\n") + "\n"
	const file = "testdata/views.tsv"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the views are not those of %s: if that is meant, go test ./services/tributary/stack -run Golden -update", file)
	}
}

// Ensure that a rate has Wilson's bounds from 200 units on, says nothing below, and says whether it can still change.
func TestRatesSayHowSureTheyAre(t *testing.T) {
	db := fresh(t)
	exec(t, db, config("demo", "UTC"), cell("demo", "2026-01-01 10:00:00", 0, 1, "[400, 120]"), cell("demo", "2026-01-01 11:00:00", 0, 1, "[199, 0]"),
		progress(0, 1, 700, 645), progress(1, 1, 700, 645), progress(2, 1, 700, 645))
	lo, hi := insight.Rate{X: 120, N: 400}.Wilson(insight.Z95)
	bounds := fmt.Sprintf("%.5f %.5f", lo, hi)
	expect(t, db, `SELECT formatDateTime(window_start, '%H'), units, before, round(rate, 5), round(low, 5), round(high, 5), round(step_rate, 5), final, maturity FROM bi.funnel_steps
		WHERE step = 2 ORDER BY window_start`, "10 120 400 0.3 "+bounds+" 0.3 1 final", "11 0 199 <nil> <nil> <nil> <nil> 0 insufficient")
	expect(t, db, "SELECT toString(day), units, entered, round(rate, 4), final, maturity FROM bi.funnel_daily WHERE step = 2", "2026-01-01 120 599 0.2003 0 immature")
	expect(t, db, "SELECT toString(week), units, entered, maturity FROM bi.funnel_weekly WHERE step = 2", "2025-12-29 120 599 immature")
	expect(t, db, "SELECT toString(day), channel, units FROM bi.channels_daily WHERE step = 2", "2026-01-01 Email 120")
	expect(t, db, "SELECT toString(day), device, units FROM bi.devices_daily WHERE step = 2", "2026-01-01 mobile 120")
	expect(t, db, "SELECT breakdown, segment, units FROM bi.segments_daily WHERE step = 2", "channel,device Email,mobile 120")
	for p := range 3 {
		exec(t, db, progress(p, 2, 2000, 1500))
	}
	expect(t, db, "SELECT final, maturity FROM bi.funnel_daily WHERE step = 2", "1 final")
	expect(t, db, "SELECT final, maturity FROM bi.funnel_weekly WHERE step = 2", "0 immature")
	expect(t, db, "SELECT segment, step, units, entered FROM api.step_rates(store='demo', funnel='purchase', breakdown='channel,device', from='2026-01-01 10:00:00', to='2026-01-01 11:00:00')",
		"Email,mobile 1 400 400", "Email,mobile 2 120 400")
}

// Ensure that a complete backfill shows its version, and hides the older one, in exactly its windows; one that is not complete shows nothing.
func TestBackfilledWindowsCountOnce(t *testing.T) {
	db := fresh(t)
	second := `INSERT INTO tributary.store_configs (store, config_id, effective_from, version, time_zone, file, funnel, funnel_version, steps, breakdowns)
		VALUES ('demo', '2', '2026-01-02 00:00:00', 1767312000000, 'UTC', '', 'purchase', 2, ['session', 'purchased'], ['channel,device'])`
	backfill := func(complete, version string) string {
		return `INSERT INTO tributary.backfills (epoch, store, funnel, funnel_version, from_ts, to_ts, done_through, complete, version)
			VALUES (0, 'demo', 'purchase', 2, '2026-01-01 12:00:00', '2026-01-02 00:00:00', '2026-01-02 00:00:00', ` + complete + ", " + version + ")"
	}
	v2 := func(at, stage string) string {
		return strings.NewReplacer("'visitor', 'purchase', 1,", "'"+stage+"', 'purchase', 2,").Replace(cell("demo", at, 0, 1, "[5, 5]"))
	}
	exec(t, db, config("demo", "UTC"), second, cell("demo", "2026-01-01 11:45:00", 0, 1, "[9, 1]"), cell("demo", "2026-01-01 12:00:00", 0, 1, "[9, 1]"),
		v2("2026-01-01 12:00:00", "backfill"), v2("2026-01-02 00:00:00", "visitor"), backfill("0", "1"))
	series := "SELECT formatDateTime(window_start, '%d %H:%i'), funnel_version, units FROM bi.funnel_steps WHERE step = 1 ORDER BY window_start, funnel_version"
	expect(t, db, series, "01 11:45 1 9", "01 12:00 1 9", "02 00:00 2 5")
	exec(t, db, backfill("1", "2"))
	expect(t, db, series, "01 11:45 1 9", "01 12:00 2 5", "02 00:00 2 5")
	expect(t, db, "SELECT funnel_version, formatDateTime(in_force_from, '%F %T'), formatDateTime(backfilled_from, '%F %T') FROM bi.funnel_versions ORDER BY funnel_version",
		"1 1970-01-01 00:00:00 1970-01-01 00:00:00", "2 2026-01-02 00:00:00 2026-01-01 12:00:00")
}

// Ensure that the time to a step is read off its histogram (T1.9: the median of 30, 60, 90, 600 and 3600 s is that of the bin of 90 s, p90 that of 3600 s).
func TestT1_9TimeToStep(t *testing.T) {
	db := fresh(t)
	exec(t, db, config("demo", "UTC"), `INSERT INTO tributary.funnel_cells (epoch, store, stage, funnel, funnel_version, basis, window_seconds, window_start, breakdown, values,
		class, generation, partition, version, units, implied, observed_value, open_units, time_to_step) VALUES
		(0, 'demo', 'visitor', 'purchase', 1, 'entry', 900, '2026-01-01 10:00:00', 'channel,device', ['Email', 'mobile'], 'human', 0, 0, 1, [20, 20], [0, 0], [0, 0], [20, 20], [map(), map(34, 4, 41, 4)]),
		(0, 'demo', 'visitor', 'purchase', 1, 'entry', 900, '2026-01-01 10:15:00', 'channel,device', ['Email', 'mobile'], 'human', 0, 0, 1, [20, 20], [0, 0], [0, 0], [20, 20], [map(), map(45, 4, 64, 4, 82, 4)])`)
	expect(t, db, "SELECT step, times_known, round(p50, 2), round(p90, 2) FROM bi.time_to_step_daily", "2 20 85.84 3482.66")
}

// T0.3: the highest version of each partition counts, and partitions add up.
func TestT0_3CellsAddUp(t *testing.T) {
	db := fresh(t)
	exec(t, db, config("demo", "UTC"), cell("demo", "2026-01-01 10:00:00", 0, 1, "[10, 5]"), cell("demo", "2026-01-01 10:00:00", 0, 2, "[12, 6]"),
		cell("demo", "2026-01-01 10:00:00", 1, 1, "[3, 1]"))
	expect(t, db, "SELECT step, units FROM bi.funnel_steps ORDER BY step", "1 15", "2 7")
}

// session of a store, as a row.
func session(id, at, action, path, campaign string, orders string) string {
	return `INSERT INTO tributary.sessions (epoch, store, created_day, session_id, version, visitor, started_at, ended_at, channel, campaign, landing_path, events, orders, value_minor, trail_action)
		SELECT 0, 'demo', '2026-01-01', unhex(leftPad('` + id + `', 32, '0')), 1, 'v', '` + at + `', '` + at + `', 'Email', '` + campaign + `', '` + path + `', 1, ` + orders + `, 100 * ` + orders + `, [` + action + `]::Array(String)`
}

func TestSessionViews(t *testing.T) {
	db := fresh(t)
	exec(t, db, config("demo", "Asia/Kolkata"), session("1", "2026-01-01 18:00:00", "'product_viewed', 'wishlist_added', 'wishlist_added'", "/a", "", "0"),
		session("2", "2026-01-01 18:15:00", "'product_viewed', 'purchased'", "/a", "winter", "1"), session("3", "2026-01-01 18:45:00", "", "/b", "winter", "0"))
	expect(t, db, "SELECT toString(day), landing_path, visits, bounced, buying, orders, value_minor, rate, maturity FROM bi.landing_pages_daily ORDER BY day, landing_path",
		"2026-01-01 /a 2 2 1 1 100 <nil> insufficient", "2026-01-02 /b 1 1 0 0 0 <nil> insufficient") // midnight in India is 18:30 UTC
	expect(t, db, "SELECT toString(day), campaign, visits, buying FROM bi.campaigns_daily ORDER BY day", "2026-01-01 winter 1 1", "2026-01-02 winter 1 0")
	expect(t, db, "SELECT toString(day), action, visits, done, times FROM bi.micro_conversions_daily ORDER BY action",
		"2026-01-01 product_viewed 2 2 2", "2026-01-01 purchased 2 1 1", "2026-01-01 wishlist_added 2 1 2")
	expect(t, db, "SELECT toString(day), class, visits, all_visits FROM bi.traffic_classes_daily ORDER BY day", "2026-01-01 human 2 2", "2026-01-02 human 1 1")
	expect(t, db, "SELECT visitors, sessions FROM api.unique_visitors(store='demo', from='2026-01-01 00:00:00', to='2026-01-02 00:00:00')", "1 3")
}
