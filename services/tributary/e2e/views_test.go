package e2e_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/event"
)

// lines runs a query and returns a line per row.
func lines(t *testing.T, db *clickhouse.DB, query string) []string {
	t.Helper()
	rows, err := db.Select(t.Context(), query)
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	out := make([]string, len(rows.Values))
	for i, v := range rows.Values {
		out[i] = line(v)
	}
	return out
}

func line(values []any) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, "|")
}

// settled waits until everything that ingest acknowledged before the time at, of its own clock, is in the views: the
// tick of that time lies behind it in every partition, and a watermark stays the allowance behind its tick. On the wall
// clock that takes some seconds, since a watermark is not told each second.
func (p pipeline) settled(ctx context.Context, at time.Time) error {
	mark := at.UnixMilli() - event.Allowance
	query := fmt.Sprintf("SELECT count() FROM bi.completeness WHERE toUnixTimestamp64Milli(processed_through) >= %d", mark)
	return await(ctx, "both stages to pass "+at.UTC().Format(time.RFC3339Nano), p.Dead(), func(ctx context.Context) (bool, error) {
		var stages uint64
		err := p.db.Each(ctx, query, func(scan func(...any) error) error { return scan(&stages) })
		return stages == 2, err
	})
}

// views in full. The column final is left out: it moves with the clock and not with the events.
var views = map[string]string{
	"bi.sessions":     "SELECT * EXCEPT (final) FROM bi.sessions ORDER BY ALL",
	"bi.funnel_steps": "SELECT * EXCEPT (final) FROM bi.funnel_steps ORDER BY ALL",
	"bi.events":       "SELECT * FROM bi.events ORDER BY ALL",
}

// content is what the views hold.
type content map[string][]string

func contentOf(t *testing.T, db *clickhouse.DB) content {
	t.Helper()
	out := content{}
	for name, query := range views {
		out[name] = lines(t, db, query)
	}
	return out
}

// same reports every line that the two sides do not have equally often, and an order that differs.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	left := map[string]int{}
	for _, w := range want {
		left[w]++
	}
	for _, g := range got {
		if left[g]--; left[g] < 0 {
			t.Errorf("%s: got  %s", what, g)
		}
	}
	for _, w := range want {
		if left[w] > 0 {
			left[w]--
			t.Errorf("%s: want %s", what, w)
		}
	}
	if !t.Failed() {
		t.Errorf("%s: the same %d lines in another order", what, len(want))
	}
}

func (c content) same(t *testing.T, what string, want content) {
	t.Helper()
	for name := range views {
		same(t, what+", "+name, c[name], want[name])
	}
}
