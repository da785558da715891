package stack_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/insight"
	"github.com/tributary-data/tributary/services/internal/diagnosis"
)

// moment of the diagnoses here: midnight of the shop's days, whose 35 days of cells lie before it.
var moment = time.Date(2026, 2, 5, 0, 0, 0, 0, time.UTC)

// days fills 35 days before the moment with cells of mobile and desktop sessions at noon; share is what the rate of the last day's
// second step is multiplied by, per device.
func days(t *testing.T, db *clickhouse.DB, mobile, desktop float64) {
	t.Helper()
	exec(t, db, `INSERT INTO tributary.store_configs (store, config_id, effective_from, version, time_zone, file, funnel, funnel_version, steps, breakdowns)
		VALUES ('demo', '1', 0, 0, 'UTC', '', 'purchase', 1, ['session', 'cart_added', 'checkout_started', 'purchased'], ['device', 'channel,device'])`)
	for _, d := range []struct {
		name          string
		units, factor float64
	}{{"mobile", 4000, mobile}, {"desktop", 3000, desktop}} {
		for _, b := range []string{"device", "channel,device"} {
			values := "['" + d.name + "']"
			if b != "device" {
				values = "['Direct', '" + d.name + "']"
			}
			exec(t, db, fmt.Sprintf(`INSERT INTO tributary.funnel_cells (epoch, store, stage, funnel, funnel_version, basis, window_seconds, window_start, breakdown, values,
				class, generation, partition, version, units, implied, observed_value, open_units)
				SELECT 0, 'demo', 'visitor', 'purchase', 1, 'entry', 900, toDateTime('2026-02-04 12:00:00', 'UTC') - toIntervalDay(number), '%s', %s, 'human', 0, 0, 1,
				[n, toInt64(n * c), toInt64(n * c * .5), toInt64(n * c * .25)] AS u, [0, 0, 0, 0], [0, 0, 0, 0], u
				FROM (SELECT number, toInt64(%f * (1 + 0.02 * (number %% 3))) AS n, 0.2 * (1 + 0.02 * ((number * 7) %% 5 - 2)) * if(number = 0, %f, 1) AS c FROM numbers(35))`, b, values, d.units, d.factor))
		}
	}
	for p := range 3 {
		exec(t, db, fmt.Sprintf(`INSERT INTO tributary.progress (epoch, stage, generation, partition, version, watermark, final, offset)
			SELECT 0, 'sessions', 0, %d, 1, '2026-02-05 06:00:00', '2026-02-05 00:00:00', 0`, p))
	}
}

// diagnose asks as the command does.
func diagnose(t *testing.T, db *clickhouse.DB, at time.Time) insight.Report {
	t.Helper()
	ctx := context.Background()
	marks, err := diagnosis.ReadMarks(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	funnels, err := diagnosis.Funnels(ctx, db, "demo", "purchase")
	if err != nil || len(funnels) != 1 {
		t.Fatalf("funnels %v, %v", funnels, err)
	}
	q, err := diagnosis.Read(ctx, db, funnels[0], at, marks.Now(), marks)
	if err != nil {
		t.Fatal(err)
	}
	return insight.Diagnose(q)
}

func TestDiagnosisOfCells(t *testing.T) {
	for _, c := range []struct {
		name, label, dimension, segment, step string
		mobile, desktop                       float64
	}{
		{name: "clean", label: insight.LabelNoChange, mobile: 1, desktop: 1},
		{name: "storefront", label: insight.LabelUpstream, step: "cart_added", mobile: .75, desktop: .75},
		{name: "one device", label: insight.LabelLocalised, dimension: "device", segment: "mobile", step: "cart_added", mobile: .7, desktop: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := fresh(t)
			days(t, db, c.mobile, c.desktop)
			r := diagnose(t, db, moment)
			if r.Label != c.label || c.step != "" && r.To != c.step || r.Dimension != c.dimension || r.Segment != c.segment || r.Sentence == "" {
				t.Errorf("got %+v", r)
			}
		})
	}
}

// Ensure that a time that is not final is not judged, and that days which an incident touches teach nothing.
func TestDiagnosisKnowsWhatItMayUse(t *testing.T) {
	db := fresh(t)
	days(t, db, 1, 1)
	if r := diagnose(t, db, moment.Add(15*time.Minute)); r.Label != insight.LabelInsufficient || !strings.Contains(r.Sentence, "not final") {
		t.Errorf("of an immature window: got %s: %s", r.Label, r.Sentence)
	}
	exec(t, db, `INSERT INTO tributary.annotations (store, id, from_ts, to_ts, kind, text, version) VALUES
		('demo', toString(generateUUIDv4()), '2026-01-01 00:00:00', '2026-02-03 23:00:00', 'incident', 'all was broken', 1), ('', toString(generateUUIDv4()), '2026-02-04 10:00:00', '2026-02-04 10:00:00', 'release', 'checkout 2.1', 1)`)
	r := diagnose(t, db, moment)
	if r.Label != insight.LabelInsufficient {
		t.Errorf("with a baseline of incidents: got %s: %s", r.Label, r.Sentence)
	}
	if all := strings.Join(r.Evidence, "\n"); !strings.Contains(all, `14 h before: release "checkout 2.1"`) {
		t.Errorf("the release is not mentioned: %q", all)
	}
}

// Ensure that the scheduled round writes the same numbers into SQL, once per moment, and an alert only where somebody should look.
func TestScheduledDiagnosis(t *testing.T) {
	db := fresh(t)
	days(t, db, .75, .75)
	s := diagnosis.Schedule{DB: db, Every: time.Minute, Log: zap.NewNop()}
	for range 2 {
		if err := s.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r := diagnose(t, db, moment)
	expect(t, db, "SELECT label, action, days, step, units_now, entered_now, round(rate_effect, 6), toString(moment) FROM bi.diagnoses",
		fmt.Sprintf("upstream cart_added 1 2 %d %d %v 2026-02-05 00:00:00", r.Move.Now.X, r.Move.Now.N, math.Round(r.Rate*1e6)/1e6))
	expect(t, db, "SELECT store, funnel, label, action FROM bi.alerts", "demo purchase upstream cart_added")
	expect(t, db, "SELECT JSONExtractString(report, 'sentence') = sentence FROM bi.diagnoses", "1")
}

// Ensure that an outage is told of the minutes that were processed last, a day before they are final, once for each time, and that a usual
// evening is none. Four weeks of the same hours say what is usual.
func TestOutageIsToldWhileItLasts(t *testing.T) {
	for _, c := range []struct {
		name string
		paid int // of ten in each of the last twenty minutes
		want string
	}{{"outage", 0, insight.LabelOutage}, {"usual", 7, insight.LabelNoChange}} {
		t.Run(c.name, func(t *testing.T) {
			db := fresh(t)
			days(t, db, 1, 1)
			happened := func(window int, units, where string) {
				exec(t, db, fmt.Sprintf(`INSERT INTO tributary.funnel_cells (epoch, store, stage, funnel, funnel_version, basis, window_seconds, window_start, breakdown, values,
					class, generation, partition, version, units, implied, observed_value, open_units)
					SELECT 0, 'demo', 'visitor', 'purchase', 1, 'occurrence', %d, at, 'device', ['mobile'], 'human', 0, 0, 1, %s AS u, [0, 0, 0, 0], [0, 0, 0, 0], u FROM (%s)`, window, units, where))
			}
			happened(900, "[150, 150, 150, 105]", "SELECT toDateTime('2026-02-05 03:00:00', 'UTC') - toIntervalDay(7 * week) + toIntervalMinute(15 * q) AS at FROM (SELECT 1 + number % 4 AS week, intDiv(number, 4) AS q FROM numbers(48))")
			happened(60, "[10, 10, 10, 7]", "SELECT toDateTime('2026-02-05 05:40:00', 'UTC') - toIntervalMinute(number + 1) AS at FROM numbers(100)")
			happened(60, fmt.Sprintf("[10, 10, 10, %d]", c.paid), "SELECT toDateTime('2026-02-05 06:00:00', 'UTC') - toIntervalMinute(number + 1) AS at FROM numbers(20)")
			s := diagnosis.Schedule{DB: db, Every: time.Minute, Log: zap.NewNop()}
			if err := s.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
			at := "2026-02-05 00:00:00" // what is final
			var alerts []string
			if c.want == insight.LabelOutage {
				at = "2026-02-05 06:00:00" // what is processed
				alerts = []string{"outage purchased " + at}
			}
			expect(t, db, "SELECT label, toString(moment) FROM bi.diagnoses", c.want+" "+at)
			expect(t, db, "SELECT label, action, toString(moment) FROM bi.alerts", alerts...)
			expect(t, db, "SELECT countSubstrings(report, 'no step stopped') FROM bi.diagnoses", fmt.Sprint(1-len(alerts)))
		})
	}
}
