package stack_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/embedded/harness"
)

// Ensure that ClickHouse's windowFunnel does what our matcher is compared with, and where it differs from it: examples T1.1 to T1.5.
func TestT1_1To1_5WindowFunnel(t *testing.T) {
	db, err := clickhouse.Open(clickhouse.Config{Addr: harness.Engine(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, c := range []struct{ name, steps, modes, events, want string }{
		{"T1.1 ties follow the steps", "AB", "", "B1 A1", "2"},
		{"T1.1 unless times must rise", "AB", "strict_increase", "B1 A1", "1"},
		{"T1.2 one event takes two steps", "AA", "", "A1", "2"},
		{"T1.2 unless once only", "AA", "strict_once", "A1", "1"},
		{"T1.2 unless times must rise", "AA", "strict_increase", "A1", "1"},
		{"T1.3 a repeated step ends it", "ABCD", "strict_deduplication", "A1 B2 C3 B4 D5", "3"},
		{"T1.4 a foreign event ends it", "ABC", "strict_order", "A1 X2 B3 D4 C5", "1"},
		{"T1.4 rows that are not there do not", "ABC", "strict_order", "A1 B3 D4 C5", "2"},
		{"T1.4 loose", "ABC", "", "A1 X2 B3 D4 C5", "3"},
		{"T1.5 begun again", "ABC", "strict_order,allow_reentry", "A1 C2 B3 C4", "3"},
		{"T1.5 not begun again", "ABC", "strict_order", "A1 C2 B3 C4", "1"},
	} {
		var conditions, rows []string
		for _, s := range c.steps {
			conditions = append(conditions, fmt.Sprintf("e = '%c'", s))
		}
		for _, e := range strings.Fields(c.events) {
			rows = append(rows, fmt.Sprintf("('%s', %s)", e[:1], e[1:]))
		}
		arguments := "100"
		for _, m := range strings.Split(c.modes, ",") {
			if m != "" {
				arguments += ", '" + m + "'"
			}
		}
		t.Run(c.name, func(t *testing.T) {
			expect(t, db, fmt.Sprintf("SELECT windowFunnel(%s)(ts, %s) FROM (SELECT arrayJoin([%s])::Tuple(e String, ts UInt32) AS r, r.e AS e, r.ts AS ts)",
				arguments, strings.Join(conditions, ", "), strings.Join(rows, ", ")), c.want)
		})
	}
}
