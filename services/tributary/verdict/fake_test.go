package verdict

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/sim"
)

var _ Querier = (*clickhouse.DB)(nil)

// views answers the queries as the bi views would after what a Truth lists.
type views struct {
	t *testing.T
	sim.Truth
	err error
}

// perfect are views that hold exactly the truth of a day.
func perfect(t *testing.T) (*views, *sim.Truth) {
	t.Helper()
	d, err := sim.Plan(sim.Config{Seed: 3, Events: 6000, Day: time.Date(2026, 9, 12, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	c := *d.Truth
	c.Events, c.Sessions, c.Cells, c.Hours, c.Occurred = slices.Clone(c.Events), slices.Clone(c.Sessions), slices.Clone(c.Cells), slices.Clone(c.Hours), slices.Clone(c.Occurred)
	c.Orders, c.Intake, c.Letters = slices.Clone(c.Orders), slices.Clone(c.Intake), slices.Clone(c.Letters)
	return &views{t: t, Truth: c}, d.Truth
}

// Each answers a query, row by row.
func (s *views) Each(_ context.Context, query string, row func(scan func(dest ...any) error) error) error {
	if s.err != nil {
		return s.err
	}
	for _, values := range s.rows(query) {
		if err := row(func(dest ...any) error { return fill(dest, values) }); err != nil {
			return err
		}
	}
	return nil
}

func fill(dest, values []any) error {
	if len(dest) != len(values) {
		return fmt.Errorf("%d columns into %d places", len(values), len(dest))
	}
	for i, d := range dest {
		switch p := d.(type) {
		case *int64:
			*p = values[i].(int64)
		case *string:
			*p = values[i].(string)
		default:
			return fmt.Errorf("place of type %T", d)
		}
	}
	return nil
}

// table shows the rows of a list that belong to a store.
func table[T any](list []T, show func(T) (store string, values []any)) func(string) [][]any {
	return func(store string) (out [][]any) {
		for _, x := range list {
			if of, values := show(x); of == store && values != nil {
				out = append(out, values)
			}
		}
		return out
	}
}

func showCell(c sim.Cell) (string, []any) {
	return c.Store, []any{c.Window, c.Channel, c.Device, int64(c.FunnelVersion), int64(c.Step), c.Action, c.Units, c.Implied, c.Entered, c.ObservedValue, c.OpenUnits}
}

func showSession(x sim.Session) (string, []any) {
	return x.Store, []any{x.Visitor, x.StartedAt, x.EndedAt, x.User, x.Channel, x.Device, x.Brand, x.Landing, int64(x.Events), int64(x.Orders),
		x.ValueMinor, flag(x.Returning), strings.Join(x.Actions, " ")}
}

func showEvent(e sim.Event) (string, []any) {
	return e.Store, []any{e.MessageID, e.Action, e.Visitor, e.User, e.At, e.IngestedAt, flag(e.Fate == sim.Late), e.ValueMinor, e.Currency}
}

func showLate(e sim.Event) (string, []any) {
	if e.Fate != sim.Late {
		return e.Store, nil
	}
	return e.Store, []any{e.Visitor, e.Action, e.At, e.IngestedAt, e.Floor}
}

func showOrder(o sim.Order) (string, []any) {
	return o.Store, []any{o.OrderID, o.Source, o.OrderedAt, o.Visitor, o.User, o.ValueMinor, o.Currency, o.BaseMinor, flag(o.CurrencyUnknown),
		o.RefundedMinor, o.BaseMinor - o.RefundedMinor, int64(o.Refunds), int64(o.Tellers)}
}

func showIntake(n sim.Intake) (string, []any) {
	return n.Store, []any{n.Hour, n.Records, n.Unique, n.Duplicates, n.IDReused, n.Late, n.Records - n.Unique - n.Duplicates - n.IDReused}
}

func (s *views) rows(query string) (out [][]any) {
	if strings.Contains(query, " FROM bi.dead_letters ") {
		for _, l := range s.Letters {
			out = append(out, []any{l.Store, l.Reason, l.Count})
		}
		return out
	}
	_, after, _ := strings.Cut(query, " WHERE store = '")
	store, after, ok := strings.Cut(after, "'")
	if !ok || strings.Contains(query, "bi.funnel_") && !strings.HasPrefix(after, " AND funnel = 'purchase'") {
		s.t.Errorf("the query does not name what it is about: %s", query)
	}
	for view, rows := range map[string]func(string) [][]any{"bi.funnel_steps": table(s.Cells, showCell), "bi.funnel_minutes": table(s.Hours, showCell),
		"bi.funnel_steps_by_occurrence": table(s.Occurred, showCell), "bi.sessions": table(s.Sessions, showSession), "bi.events": table(s.Events, showEvent),
		"bi.late_events": table(s.Events, showLate), "bi.orders": table(s.Orders, showOrder), "bi.intake": table(s.Intake, showIntake)} {
		if !strings.Contains(query, " FROM "+view+" ") {
			continue
		}
		if view == "bi.sessions" && strings.Contains(query, "GROUP BY") {
			return s.segments(store)
		}
		return rows(store)
	}
	s.t.Errorf("a query that nobody expected: %s", query)
	return nil
}

func (s *views) segments(store string) (out [][]any) {
	sessions, events := map[sim.Segment]int64{}, map[sim.Segment]int64{}
	for _, x := range s.Sessions {
		g := sim.Segment{Store: x.Store, Window: x.StartedAt / 900_000 * 900, Channel: x.Channel, Device: x.Device}
		sessions[g]++
		events[g] += int64(x.Events)
	}
	for g, n := range sessions {
		if g.Store == store {
			out = append(out, []any{g.Window, g.Channel, g.Device, n, events[g]})
		}
	}
	return out
}
