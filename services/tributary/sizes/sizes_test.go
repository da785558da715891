// Package sizes measures what breakdowns cost: how many cells a day of traffic makes, and how many bytes they take in
// ClickHouse. The traffic is the simulator's, the rest is the real thing: ingest's handler, both folds, the engine.
//
//	go test ./services/tributary/sizes -run '^$' -bench . -benchtime 1x -timeout 60m
package sizes_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// partitions of the topics: a cell is a row in each partition that has units of it.
const partitions = 12

// configurations of breakdowns, and the lists of values that they keep.
var configurations = []struct{ name, breakdowns, allow string }{
	{"channel×device", "[[channel, device]]", ""},
	{"and country, returning, os", "[[channel, device], [country], [returning], [os]]", ""},
	{"and channel×device×10 countries", "[[channel, device], [country], [returning], [os], [channel, device, country]]", "country: [DE, AT, CH, FR, IT, NL, PL, ES, GB, US]"},
}

// BenchmarkSizes reports rows and bytes of cells per million events, at the end of a day, minutes and quarters of an hour
// apart: minutes are kept for three days, quarters for ever.
func BenchmarkSizes(b *testing.B) {
	db, err := clickhouse.Open(clickhouse.Config{Addr: harness.Engine(b), User: "default", Timeout: minutes(5)})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if _, err := stack.Migrate(b.Context(), db, partitions); err != nil {
		b.Fatal(err)
	}
	for _, events := range []int{50_000, 500_000} {
		day := play(b, events)
		for _, c := range configurations {
			b.Run(fmt.Sprintf("%s/%d events a day", c.name, events), func(b *testing.B) {
				for b.Loop() {
					n := day.store(b, db, c.breakdowns, c.allow)
					perMillion := 1e6 / float64(day.events)
					for window, s := range n {
						b.ReportMetric(float64(s.rows)*perMillion, window+"-rows/Mevent")
						b.ReportMetric(float64(s.bytes)*perMillion, window+"-bytes/Mevent")
					}
				}
			})
		}
	}
}

// Ensure that the measurement sees what it should: more breakdowns are more rows, and every session is in them.
func TestSizes(t *testing.T) {
	db, err := clickhouse.Open(clickhouse.Config{Addr: harness.Engine(t), User: "default", Timeout: minutes(1)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := stack.Migrate(t.Context(), db, partitions); err != nil {
		t.Fatal(err)
	}
	day, last := play(t, 2000), 0
	for _, c := range configurations {
		n := day.store(t, db, c.breakdowns, c.allow)
		if n["minute"].rows <= last || n["quarter"].rows == 0 || n["quarter"].rows > n["minute"].rows || n["quarter"].bytes == 0 {
			t.Errorf("%s: got %+v after %d rows", c.name, n, last)
		}
		last = n["minute"].rows
		units := "" // of each breakdown
		if err := db.Each(t.Context(), "SELECT DISTINCT toString(sum(units[1])) FROM tributary.funnel_cells FINAL WHERE basis = 'entry' AND window_seconds = 900 GROUP BY breakdown",
			func(scan func(...any) error) error {
				var n string
				err := scan(&n)
				units += n + " "
				return err
			}); err != nil {
			t.Fatal(err)
		}
		if units != fmt.Sprint(day.sessions, " ") {
			t.Errorf("%s: units of the breakdowns are %s, want %d in each", c.name, strings.TrimSpace(units), day.sessions)
		}
	}
}
