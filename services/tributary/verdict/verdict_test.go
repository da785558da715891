package verdict

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/sim"
)

func TestEqual(t *testing.T) {
	db, truth := perfect(t)
	slices.Reverse(db.Sessions) // views promise no order
	slices.Reverse(db.Cells)
	v, err := Judge(t.Context(), db, truth)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("verdict: %d cells, %d sessions, %d events compared, difference 0", len(truth.Cells), len(truth.Sessions), len(truth.Events))
	if v.Last() != want || !strings.HasSuffix(v.String(), " refunds\n"+want) || v.Exit != ExitEqual {
		t.Errorf("verdict %q, exit %d, expected %q", v, v.Exit, want)
	}
	n := truth.Counts
	if v.Duplicates != n.Duplicates || v.IDReused != n.IDReused || v.Late != n.Late || v.Dead != n.Dead || v.Merges != n.Merges ||
		v.Switches != n.Switches || v.Refunds != n.Refunds || v.Orders != n.Orders || v.Hours != len(truth.Hours) || v.Occurrences != len(truth.Occurred) {
		t.Errorf("verdict %+v, truth %+v", v, n)
	}
}

// Ensure that two sessions of one visitor that start in one millisecond, at a switch of users, are held apart: each must be there, once.
func TestSessionsOfOneMillisecond(t *testing.T) {
	list := func(users ...string) (out []row[sessionKey, sessionFacts]) {
		for _, u := range users {
			out = append(out, row[sessionKey, sessionFacts]{key: sessionKey{store: "demo", visitor: "v", started: 7}, facts: sessionFacts{user: u, ended: 7}})
		}
		return out
	}
	for _, c := range []struct {
		want, got string // users, in any order
		differ    string // measures
	}{
		{"a b", "b a", ""},
		{"a b", "a", "row"},
		{"a b", "a b b", "rows"},
		{"a b", "a c", "user"},
		{"a", "a a", "rows"},
		{"", "a", "row"},
	} {
		want, got := list(strings.Fields(c.want)...), list(strings.Fields(c.got)...)
		number(want, got)
		var found []string
		compare(want, got, func(sessionKey, sim.Segment) Difference { return Difference{} }, func(d Difference) { found = append(found, d.Measure) })
		if strings.Join(found, " ") != c.differ {
			t.Errorf("want %q, got %q: differ in %q, expected %q", c.want, c.got, found, c.differ)
		}
	}
}

// TestEachDifferenceIsNamed alters the store in one place and expects exactly the differences that follow.
func TestEachDifferenceIsNamed(t *testing.T) {
	_, truth := perfect(t)
	// An event in a session of the demo's.
	i := slices.IndexFunc(truth.Events, func(e sim.Event) bool { return e.Session >= 0 && e.Store == "demo" && e.User == "" })
	for _, c := range []struct {
		name  string
		alter func(s *views)
		want  []string // "kind measure expected got"; <n> stands for a number
	}{
		{"cell units", func(s *views) { s.Cells[10].Units += 5 }, []string{"cell units <n> <n>"}},
		{"cell implied", func(s *views) { s.Cells[10].Implied++ }, []string{"cell implied <n> <n>"}},
		{"cell value", func(s *views) { s.Cells[0].ObservedValue-- }, []string{"cell observed_value <n> <n>"}},
		{"cell entered", func(s *views) { s.Cells[0].Entered = 0 }, []string{"cell entered <n> <n>"}},
		{"cell gone", func(s *views) { s.Cells = slices.Delete(s.Cells, 10, 11) }, []string{"cell row present absent"}},
		{"cell twice", func(s *views) { s.Cells = append(s.Cells, s.Cells[10]) }, []string{"cell rows 1 2 or more"}},
		{"cell too many", func(s *views) {
			c := s.Cells[10]
			c.Channel = "Paid Other"
			s.Cells = append(s.Cells, c)
		}, []string{"cell row absent present"}},
		{"session events", func(s *views) { s.Sessions[4].Events++ }, []string{"cell events <n> <n>", "session events <n> <n>"}},
		{"session end", func(s *views) { s.Sessions[4].EndedAt++ }, []string{"session ended_at <n> <n>"}},
		{"session brand", func(s *views) { s.Sessions[4].Brand = "maybe" }, []string{"session brand_search * maybe"}},
		{"session landing", func(s *views) { s.Sessions[4].Landing = "/x" }, []string{"session landing_path * /x"}},
		{"session returning", func(s *views) { s.Sessions[0].Returning = true }, []string{"session returning 0 1"}},
		{"session orders", func(s *views) { s.Sessions[4].Orders += 9 }, []string{"session orders <n> <n>"}},
		{"session value", func(s *views) { s.Sessions[4].ValueMinor += 9 }, []string{"session value_minor <n> <n>"}},
		{"session start", func(s *views) { s.Sessions[4].StartedAt++ }, []string{"session row present absent", "session row absent present"}},
		{"session twice", func(s *views) { s.Sessions = append(s.Sessions, s.Sessions[4]) }, []string{"cell sessions <n> <n>", "cell events <n> <n>", "session rows 1 2 or more"}},
		{"event gone", func(s *views) { s.Events = slices.Delete(s.Events, i, i+1) }, []string{"event row present absent"}},
		{"event twice", func(s *views) { s.Events = append(s.Events, s.Events[i]) }, []string{"event rows 1 2 or more"}},
		{"event time", func(s *views) { s.Events[i].At++ }, []string{"event event_ts <n> <n>"}},
		{"event action", func(s *views) { s.Events[i].Action = "refunded" }, []string{"event action * refunded"}},
		{"event visitor", func(s *views) { s.Events[i].Visitor = "v" }, []string{"event visitor * v"}},
		{"event user", func(s *views) { s.Events[i].User = "nobody" }, []string{"event user * nobody"}},
		{"event late", func(s *views) { s.Events[i].Fate = sim.Late }, []string{"event late 0 1", "late_event row absent present"}},
		{"event ingested", func(s *views) { s.Events[i].IngestedAt++ }, []string{"event ingest_ts <n> <n>"}},
		{"event value", func(s *views) { s.Events[i].ValueMinor++ }, []string{"event value_minor <n> <n>"}},
		{"event currency", func(s *views) { s.Events[i].Currency = "XXX" }, []string{"event currency * XXX"}},
		{"late gone", func(s *views) { s.Events[late(s)].Fate = sim.Accepted }, []string{"event late 1 0", "late_event row present absent"}},
		{"late floor", func(s *views) { s.Events[late(s)].Floor++ }, []string{"late_event floor <n> <n>"}},
		{"hour units", func(s *views) { s.Hours[3].Units++ }, []string{"hour units <n> <n>"}},
		{"hour open", func(s *views) { s.Hours[3].OpenUnits++ }, []string{"hour open_units <n> <n>"}},
		{"hour gone", func(s *views) { s.Hours = s.Hours[1:] }, []string{"hour row present absent"}},
		{"occurrence units", func(s *views) { s.Occurred[3].Units++ }, []string{"occurrence units <n> <n>"}},
		{"occurrence moved", func(s *views) { s.Occurred[3].Window += 9000 }, []string{"occurrence row present absent", "occurrence row absent present"}},
		{"cell open", func(s *views) { s.Cells[3].OpenUnits++ }, []string{"cell open_units <n> <n>"}},
		{"cell version", func(s *views) { s.Cells[3].FunnelVersion = 9 }, []string{"cell row present absent", "cell row absent present"}},
		{"cell store", func(s *views) { s.Cells[3].Store = "nobody" }, []string{"cell row present absent"}},
		{"session user", func(s *views) { s.Sessions[4].User = "nobody" }, []string{"session user * nobody"}},
		{"session actions", func(s *views) { s.Sessions[4].Actions = []string{"left"} }, []string{"session actions * left"}},
		{"order gone", func(s *views) { s.Orders = s.Orders[1:] }, []string{"order row present absent"}},
		{"order twice", func(s *views) { s.Orders = append(s.Orders, s.Orders[1]) }, []string{"order rows 1 2 or more"}},
		{"order source", func(s *views) { s.Orders[1].Source = "webhook" }, []string{"order source * webhook"}},
		{"order value", func(s *views) { s.Orders[1].ValueMinor++ }, []string{"order value_minor <n> <n>"}},
		{"order base", func(s *views) { s.Orders[1].BaseMinor++ }, []string{"order base_value_minor <n> <n>", "order net_value_minor <n> <n>"}},
		{"order unknown", func(s *views) { s.Orders[1].CurrencyUnknown = true }, []string{"order currency_unknown 0 1"}},
		{"order refunded", func(s *views) { s.Orders[1].RefundedMinor++ }, []string{"order refunded_minor <n> <n>", "order net_value_minor <n> <n>"}},
		{"order refunds", func(s *views) { s.Orders[1].Refunds++ }, []string{"order refunds <n> <n>"}},
		{"order tellers", func(s *views) { s.Orders[1].Tellers++ }, []string{"order tellers <n> <n>"}},
		{"intake unique", func(s *views) { s.Intake[5].Unique++; s.Intake[5].Records++ }, []string{"intake unique_events <n> <n>"}},
		{"intake less", func(s *views) { s.Intake[5].Records--; s.Intake[5].Duplicates-- }, []string{"intake records <n> <n>", "intake duplicate <n> <n>"}},
		{"intake reused", func(s *views) { s.Intake[5].IDReused--; s.Intake[5].Duplicates++ }, []string{"intake id_reused <n> <n>"}},
		{"intake late", func(s *views) { s.Intake[5].Late-- }, []string{"intake late <n> <n>"}},
		{"intake of no kind", func(s *views) { s.Intake[5].Records++ }, []string{"intake records<of<no<kind 0 1"}},
		{"intake gone", func(s *views) { s.Intake = s.Intake[1:] }, []string{"intake row present absent"}},
		{"letters more", func(s *views) { s.Letters[1].Count++ }, []string{"dead_letters letters <n> <n>"}},
		{"letters gone", func(s *views) { s.Letters = s.Letters[1:] }, []string{"dead_letters row present absent"}},
		{"letters of nobody", func(s *views) { s.Letters = append(s.Letters, sim.Letter{Reason: "fold_panic", Count: 1}) }, []string{"dead_letters row absent present"}},
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
				located := d.Window != "" && d.Channel != "" && d.Device != ""
				placed := rank(d.Kind) <= rank(KindEvent) && !strings.HasPrefix(c.name, "late")
				if !like(d, c.want[i]) || placed && !located || (rank(d.Kind) >= rank(KindSession)) != (d.Key != "") || d.Store == "" && c.name != "letters of nobody" {
					t.Errorf("difference %+v, expected %q", d, c.want[i])
				}
			}
		})
	}
}

// late is the index of the first late event.
func late(s *views) int {
	return slices.IndexFunc(s.Events, func(e sim.Event) bool { return e.Fate == sim.Late })
}

func like(d Difference, pattern string) bool {
	want := strings.SplitN(pattern, " ", 4)
	want[1] = strings.ReplaceAll(want[1], "<", " ")
	var n int64
	number := func(s string) bool { _, err := fmt.Sscan(s, &n); return err == nil }
	return string(d.Kind) == want[0] && d.Measure == want[1] &&
		(d.Expected == want[2] || want[2] == "*" || want[2] == "<n>" && number(d.Expected)) &&
		(d.Got == want[3] || want[3] == "<n>" && number(d.Got))
}

// TestDuplicatedPurchase is what the sabotage leaves behind: an event more, in a session that the verdict names.
func TestDuplicatedPurchase(t *testing.T) {
	db, truth := perfect(t)
	i := slices.IndexFunc(truth.Events, func(e sim.Event) bool { return e.Action == "purchased" && e.Session >= 0 })
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
	if v.Exit != ExitTooSmall || !strings.Contains(v.String(), "too little was compared: ") || !strings.HasSuffix(v.String(), "difference 0") {
		t.Errorf("exit %d: %s", v.Exit, v)
	}
	enough := Verdict{Cells: minCells, Sessions: minSessions, Purchases: minPurchases, Duplicates: 1, Merges: 1, Switches: 1, Refunds: 1, Late: minLate, Dead: minDead}
	for _, c := range []struct {
		name  string
		alter func(v *Verdict)
		want  int // of a day as it is; a clean one lacks only the first three
	}{
		{"enough", func(*Verdict) {}, ExitEqual},
		{"cells", func(v *Verdict) { v.Cells-- }, ExitTooSmall},
		{"sessions", func(v *Verdict) { v.Sessions-- }, ExitTooSmall},
		{"purchases", func(v *Verdict) { v.Purchases-- }, ExitTooSmall},
		{"duplicates", func(v *Verdict) { v.Duplicates-- }, ExitTooSmall},
		{"merges", func(v *Verdict) { v.Merges-- }, ExitTooSmall},
		{"switches", func(v *Verdict) { v.Switches-- }, ExitTooSmall},
		{"refunds", func(v *Verdict) { v.Refunds-- }, ExitTooSmall},
		{"late events", func(v *Verdict) { v.Late-- }, ExitTooSmall},
		{"dead letters", func(v *Verdict) { v.Dead-- }, ExitTooSmall},
		{"differs too", func(v *Verdict) { v.Cells, v.Difference = 0, 1 }, ExitDiffers},
	} {
		for _, clean := range []bool{false, true} {
			v, want := enough, c.want
			if c.alter(&v); clean && want == ExitTooSmall && v.Cells+v.Sessions+v.Purchases == minCells+minSessions+minPurchases {
				want = ExitEqual
			}
			v.settle(sim.Header{Events: fullEvents, Clean: clean})
			if v.Exit != want || want == ExitTooSmall && !strings.Contains(v.String(), " "+c.name+", expected at least") {
				t.Errorf("%s, clean %t: exit %d, expected %d: %s", c.name, clean, v.Exit, want, v)
			}
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
	v := Verdict{Cells: 1, Hours: 2, Occurrences: 3, Sessions: 4, Events: 5, Orders: 6, Purchases: 7, Duplicates: 8, IDReused: 9, Late: 10, Dead: 11,
		Merges: 12, Switches: 13, Refunds: 14, Difference: 1, Exit: 3, Differences: []Difference{{Kind: KindCell, Store: "demo",
			Window: "2026-09-12T10:15:00Z", Channel: "Direct", Device: "mobile", FunnelVersion: 1, Step: 3, Measure: "units", Expected: "4", Got: "5"}}}
	b, err := json.Marshal(v)
	want := `{"cells":1,"hours":2,"occurrences":3,"sessions":4,"events":5,"orders":6,"purchases":7,"duplicates":8,"id_reused":9,"late":10,"dead":11,` +
		`"merges":12,"switches":13,"refunds":14,"difference":1,"differences":[{"kind":"cell","store":"demo","window":"2026-09-12T10:15:00Z",` +
		`"channel":"Direct","device":"mobile","funnel_version":1,"step":3,"measure":"units","expected":"4","got":"5"}],"exit":3}`
	if err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
	if got := v.Differences[0].String(); got != "cell demo 2026-09-12T10:15:00Z Direct mobile version 1 step 3: units expected 4, got 5" {
		t.Errorf("difference %q", got)
	}
}

// TestMore lets the views hold more repeats than the truth knows: answers get lost on real networks, too.
func TestMore(t *testing.T) {
	db, truth := perfect(t)
	db.Intake[5].Records += 7
	db.Intake[5].Duplicates += 5
	db.Intake[5].IDReused += 2
	v, err := Judge(t.Context(), db, truth)
	if err != nil || v.Exit != ExitEqual || v.Duplicates != truth.Counts.Duplicates+5 {
		t.Errorf("%s, %v", v, err)
	}
}

// TestLongValues keeps a line short.
func TestLongValues(t *testing.T) {
	if got := text(strings.Repeat("x", 1000)); len(got) != longest+3 {
		t.Errorf("%d bytes", len(got))
	}
}

func TestQuoted(t *testing.T) {
	if got := quoted(`it's \`); got != `'it\'s \\'` {
		t.Errorf("quoted %s", got)
	}
}
