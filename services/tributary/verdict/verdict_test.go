package verdict

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/sim"
)

var _ Querier = (*clickhouse.DB)(nil)

// store answers the queries as the bi views would after the given events and sessions.
type store struct {
	t    *testing.T
	name string
	sim.Truth
	err error
}

// perfect is a store that holds exactly the truth of a small day.
func perfect(t *testing.T) (*store, *sim.Truth) {
	t.Helper()
	d, err := sim.Plan(sim.Config{Seed: 3, Events: 3000, Day: time.Date(2026, 9, 12, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	tr := *d.Truth
	tr.Events, tr.Sessions, tr.Cells = slices.Clone(tr.Events), slices.Clone(tr.Sessions), slices.Clone(tr.Cells)
	return &store{t: t, name: tr.Header.Store, Truth: tr}, d.Truth
}

func (s *store) Each(_ context.Context, query string, row func(scan func(dest ...any) error) error) error {
	if s.err != nil {
		return s.err
	}
	if !strings.Contains(query, "WHERE store = '"+s.name+"'") {
		s.t.Errorf("the query does not name the store: %s", query)
	}
	for _, values := range s.rows(query) {
		err := row(func(dest ...any) error {
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
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *store) rows(query string) (out [][]any) {
	switch {
	case strings.Contains(query, "FROM bi.funnel_steps"):
		for _, c := range s.Cells {
			out = append(out, []any{c.Window, c.Channel, c.Device, int64(c.Step), c.Action, c.Units, c.Implied, c.Entered, c.ObservedValue})
		}
	case strings.Contains(query, "GROUP BY"):
		sessions, events := map[sim.Segment]int64{}, map[sim.Segment]int64{}
		for _, x := range s.Sessions {
			g := sim.Segment{Window: x.StartedAt / 900_000 * 900, Channel: x.Channel, Device: x.Device}
			sessions[g]++
			events[g] += int64(x.Events)
		}
		for g, n := range sessions {
			out = append(out, []any{g.Window, g.Channel, g.Device, n, events[g]})
		}
	case strings.Contains(query, "FROM bi.sessions"):
		for _, x := range s.Sessions {
			returning := int64(0)
			if x.Returning {
				returning = 1
			}
			out = append(out, []any{x.Visitor, x.StartedAt, x.EndedAt, x.Channel, x.Device, x.Brand, x.Landing, int64(x.Events), int64(x.Orders), x.ValueMinor, returning})
		}
	case strings.Contains(query, "FROM bi.events"):
		for _, e := range s.Events {
			out = append(out, []any{e.MessageID, e.Action, e.Visitor, e.At})
		}
	}
	return out
}

func TestEqual(t *testing.T) {
	db, truth := perfect(t)
	slices.Reverse(db.Sessions) // views promise no order
	slices.Reverse(db.Cells)
	v, err := Judge(t.Context(), db, truth)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("verdict: %d cells, %d sessions, %d events compared, difference 0", len(truth.Cells), len(truth.Sessions), len(truth.Events))
	if v.Last() != want || v.String() != want || v.Exit != ExitEqual {
		t.Errorf("verdict %q, exit %d, expected %q", v, v.Exit, want)
	}
}

// TestEachDifferenceIsNamed alters the store in one place and expects exactly the differences that follow.
func TestEachDifferenceIsNamed(t *testing.T) {
	for _, c := range []struct {
		name  string
		alter func(s *store)
		want  []string // "kind measure expected got"; <n> stands for a number
	}{
		{"cell units", func(s *store) { s.Cells[10].Units += 5 }, []string{"cell units <n> <n>"}},
		{"cell implied", func(s *store) { s.Cells[10].Implied++ }, []string{"cell implied <n> <n>"}},
		{"cell value", func(s *store) { s.Cells[0].ObservedValue-- }, []string{"cell observed_value <n> <n>"}},
		{"cell entered", func(s *store) { s.Cells[0].Entered = 0 }, []string{"cell entered <n> <n>"}},
		{"cell gone", func(s *store) { s.Cells = slices.Delete(s.Cells, 10, 11) }, []string{"cell row present absent"}},
		{"cell twice", func(s *store) { s.Cells = append(s.Cells, s.Cells[10]) }, []string{"cell rows 1 2 or more"}},
		{"cell too many", func(s *store) {
			c := s.Cells[10]
			c.Channel = "Paid Other"
			s.Cells = append(s.Cells, c)
		}, []string{"cell row absent present"}},
		{"session events", func(s *store) { s.Sessions[4].Events++ }, []string{"cell events <n> <n>", "session events <n> <n>"}},
		{"session end", func(s *store) { s.Sessions[4].EndedAt++ }, []string{"session ended_at <n> <n>"}},
		{"session brand", func(s *store) { s.Sessions[4].Brand = "maybe" }, []string{"session brand_search * maybe"}},
		{"session landing", func(s *store) { s.Sessions[4].Landing = "/x" }, []string{"session landing_path * /x"}},
		{"session returning", func(s *store) { s.Sessions[0].Returning = true }, []string{"session returning 0 1"}},
		{"session orders", func(s *store) { s.Sessions[4].Orders += 9 }, []string{"session orders <n> <n>"}},
		{"session value", func(s *store) { s.Sessions[4].ValueMinor += 9 }, []string{"session value_minor <n> <n>"}},
		{"session start", func(s *store) { s.Sessions[4].StartedAt++ }, []string{"session row present absent", "session row absent present"}},
		{"event gone", func(s *store) { s.Events = s.Events[1:] }, []string{"event row present absent"}},
		{"event twice", func(s *store) { s.Events = append(s.Events, s.Events[7]) }, []string{"event rows 1 2 or more"}},
		{"event time", func(s *store) { s.Events[7].At++ }, []string{"event event_ts <n> <n>"}},
		{"event action", func(s *store) { s.Events[7].Action = "refunded" }, []string{"event action * refunded"}},
		{"event visitor", func(s *store) { s.Events[7].Visitor = "v" }, []string{"event visitor * v"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, truth := perfect(t)
			c.alter(db)
			v, err := Judge(t.Context(), db, truth)
			if err != nil {
				t.Fatal(err)
			}
			if v.Exit != ExitDiffers || v.Difference != len(c.want) || len(v.Differences) != len(c.want) {
				t.Fatalf("exit %d: %s", v.Exit, v)
			}
			if !strings.HasSuffix(v.String(), fmt.Sprintf("compared, difference %d", len(c.want))) {
				t.Errorf("verdict %q", v)
			}
			for i, d := range v.Differences {
				if !like(d, c.want[i]) || d.Window == "" || d.Channel == "" || d.Device == "" || (d.Kind != KindCell) != (d.Key != "") {
					t.Errorf("difference %+v, expected %q", d, c.want[i])
				}
			}
		})
	}
}

func like(d Difference, pattern string) bool {
	want := strings.SplitN(pattern, " ", 4)
	var n int64
	number := func(s string) bool { _, err := fmt.Sscan(s, &n); return err == nil }
	return string(d.Kind) == want[0] && d.Measure == want[1] &&
		(d.Expected == want[2] || want[2] == "*" || want[2] == "<n>" && number(d.Expected)) &&
		(d.Got == want[3] || want[3] == "<n>" && number(d.Got))
}

// TestDuplicatedPurchase is what the sabotage leaves behind: an event more, in a session that the verdict names.
func TestDuplicatedPurchase(t *testing.T) {
	db, truth := perfect(t)
	i := slices.IndexFunc(truth.Events, func(e sim.Event) bool { return e.Action == "purchased" })
	e := truth.Events[i]
	again := e
	again.MessageID = "again"
	db.Events = append(db.Events, again)
	db.Sessions[e.Session].Events++
	v, err := Judge(t.Context(), db, truth)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []Kind
	s := truth.Sessions[e.Session]
	for _, d := range v.Differences {
		kinds = append(kinds, d.Kind)
		if d.Window != windowText(s.Window) || d.Channel != s.Channel || d.Device != s.Device {
			t.Errorf("difference %+v, expected in %+v", d, s.Segment())
		}
	}
	if !slices.Equal(kinds, []Kind{KindCell, KindSession, KindEvent}) || v.Differences[2].Key != "again" {
		t.Errorf("verdict %s", v)
	}
}

func TestEmptyStore(t *testing.T) {
	db, truth := perfect(t)
	db.Truth = sim.Truth{}
	v, err := Judge(t.Context(), db, truth)
	if err != nil {
		t.Fatal(err)
	}
	if v.Exit != ExitDiffers || v.Difference < len(truth.Cells)+len(truth.Sessions)+len(truth.Events) || len(v.Differences) != listed {
		t.Errorf("exit %d: %s", v.Exit, v.Last())
	}
	if text := v.String(); !strings.Contains(text, fmt.Sprintf("\nand %d more\nverdict: ", v.Difference-listed)) {
		t.Errorf("verdict %q", text)
	}
}

func TestTooSmall(t *testing.T) {
	db, truth := perfect(t)
	truth.Header.Events = fullEvents
	v, err := Judge(t.Context(), db, truth)
	if err != nil {
		t.Fatal(err)
	}
	if v.Exit != ExitTooSmall || !strings.Contains(v.String(), "too little was compared") || !strings.HasSuffix(v.String(), "difference 0") {
		t.Errorf("exit %d: %s", v.Exit, v)
	}
	enough := Verdict{Cells: minCells, Sessions: minSessions, Purchases: minPurchases}
	for _, c := range []struct {
		name  string
		alter func(v *Verdict)
		want  int
	}{
		{"enough", func(*Verdict) {}, ExitEqual},
		{"cells", func(v *Verdict) { v.Cells-- }, ExitTooSmall},
		{"sessions", func(v *Verdict) { v.Sessions-- }, ExitTooSmall},
		{"purchases", func(v *Verdict) { v.Purchases-- }, ExitTooSmall},
		{"differs too", func(v *Verdict) { v.Cells, v.Difference = 0, 1 }, ExitDiffers},
	} {
		v := enough
		c.alter(&v)
		if got := v.exit(fullEvents); got != c.want {
			t.Errorf("%s: exit %d, expected %d", c.name, got, c.want)
		}
	}
}

func TestFailedQuery(t *testing.T) {
	db, truth := perfect(t)
	db.err = errors.New("no such view")
	if v, err := Judge(t.Context(), db, truth); !errors.Is(err, db.err) {
		t.Errorf("verdict %+v, error %v", v, err)
	}
}

func TestJSON(t *testing.T) {
	v := Verdict{Cells: 1, Sessions: 2, Events: 3, Purchases: 4, Difference: 1, Exit: 3, Differences: []Difference{{Kind: KindCell,
		Window: "2026-09-12T10:15:00Z", Channel: "Direct", Device: "mobile", Step: 3, Measure: "units", Expected: "4", Got: "5"}}}
	b, err := json.Marshal(v)
	want := `{"cells":1,"sessions":2,"events":3,"purchases":4,"difference":1,"differences":[{"kind":"cell","window":"2026-09-12T10:15:00Z",` +
		`"channel":"Direct","device":"mobile","step":3,"measure":"units","expected":"4","got":"5"}],"exit":3}`
	if err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
	if got := v.Differences[0].String(); got != "cell 2026-09-12T10:15:00Z Direct mobile step 3: units expected 4, got 5" {
		t.Errorf("difference %q", got)
	}
}

func TestQuoted(t *testing.T) {
	if got := quoted(`it's \`); got != `'it\'s \\'` {
		t.Errorf("quoted %s", got)
	}
}
