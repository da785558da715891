package sim

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"
)

// dirty is a day of the default size with all that goes wrong.
var dirty = sync.OnceValues(func() (*Day, error) { return Plan(Config{Seed: 31, Day: testDay}) })

func dirtyDay(t *testing.T) *Day {
	t.Helper()
	d, err := dirty()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestAllFates wants everything to occur in a day of the default size, in every store.
func TestAllFates(t *testing.T) {
	d := dirtyDay(t)
	n := d.Truth.Counts
	for what, least := range map[string][2]int{
		"duplicates": {n.Duplicates, 300}, "id_reused": {n.IDReused, 20}, "late": {n.Late, 30}, "dead": {n.Dead, 27}, "merges": {n.Merges, 20},
		"switches": {n.Switches, 10}, "refunds": {n.Refunds, 15}, "robots": {n.Robots, 200}, "capped": {n.Capped, 1}, "lost": {n.LostAnswers, 20},
		"skewed": {n.Skewed, 20},
	} {
		if least[0] < least[1] {
			t.Errorf("%s: %d, expected at least %d", what, least[0], least[1])
		}
	}
	seen := map[string]int{}
	for _, e := range d.Truth.Events {
		seen[e.Store+" "+string(e.Fate)]++
	}
	for _, r := range d.Truth.Repeats {
		seen[r.Store+" "+string(r.Fate)]++
		seen[r.Reason]++
	}
	for _, s := range d.Truth.Sessions {
		seen[fmt.Sprint(s.Store, " version ", s.FunnelVersion)]++
	}
	for _, o := range d.Truth.Orders {
		seen[o.Source]++
		seen[o.Currency]++
		seen[fmt.Sprint("unknown ", o.CurrencyUnknown)]++
		seen[fmt.Sprint("tellers ", o.Tellers)]++
		seen[fmt.Sprint("partly ", o.RefundedMinor > 0 && o.RefundedMinor < o.BaseMinor)]++
	}
	want := []string{"atelier version 1", "atelier version 2", "bazaar version 1", "browser", "server", "unknown true", "tellers 2", "partly true",
		"EUR", "INR", "USD"}
	for _, store := range d.Truth.Header.Stores {
		for _, f := range []Fate{Accepted, Late, Duplicate, IDReused} {
			want = append(want, store+" "+string(f))
		}
	}
	for _, w := range append(want, faults...) {
		if seen[w] == 0 {
			t.Errorf("no %s: %v", w, seen)
		}
	}
}

func TestDirtyShares(t *testing.T) {
	d := dirtyDay(t)
	events, sessions := float64(len(d.Truth.Events)), float64(len(d.Truth.Sessions))
	soon, late, long := 0.0, 0.0, 0.0
	for _, h := range d.hits {
		switch {
		case h.at < testDay.UnixMilli() || h.delay == 0:
		case h.delay <= 60_000:
			soon++
		case h.delay <= 3_600_000:
			late++
		default:
			long++
		}
	}
	again := 0.0
	for _, r := range d.Truth.Repeats {
		if r.Fate == Duplicate {
			again++
		}
	}
	for _, c := range []struct {
		name            string
		got, want, room float64
	}{{"robots", float64(d.Truth.Counts.Robots) / sessions, .08, .015}, {"out of order", soon / events, .03, .004}, {"late", late / events, .006, .002},
		{"very late", long / events, .002, .001}, {"twice", again / events, .008, .003}, {"reused", float64(d.Truth.Counts.IDReused) / events, .001, .0005}} {
		if math.Abs(c.got-c.want) > c.room {
			t.Errorf("%s: share %.4f, expected %.4f ± %.4f", c.name, c.got, c.want, c.room)
		}
	}
}

// TestBorder wants one event exactly at the floor, and one a millisecond before.
func TestBorder(t *testing.T) {
	at := map[int64]Fate{}
	for _, e := range dirtyDay(t).Truth.Events {
		if off := e.At - floorOf(e.IngestedAt); off > -borderRoom && off < borderRoom {
			at[off] = e.Fate
		}
	}
	if len(at) != 2 || at[0] != Accepted || at[-1] != Late {
		t.Errorf("at the border: %v", at)
	}
}

// TestDirtySessionsByPairs checks the cut from the truth's events alone, like TestSessionsByPairs: neighbours share a
// session iff their pause is no longer than the gap and nobody else was named between them.
func TestDirtySessionsByPairs(t *testing.T) {
	d := dirtyDay(t)
	shops, err := d.Config.shops()
	if err != nil {
		t.Fatal(err)
	}
	gaps := map[string]*shop{}
	for _, s := range shops {
		gaps[s.name] = s
	}
	capped := map[string]bool{}
	for _, s := range d.Truth.Sessions {
		if s.Capped {
			capped[s.Visitor] = true
			if s.Events-s.TailEvents != keptEvents || len(s.Actions) != keptEvents || s.Events <= keptEvents || !s.Robot {
				t.Errorf("capped session %+v", s)
			}
		}
	}
	type who struct {
		user string
		last Event
	}
	seen, members, switched, shorter := map[[2]string]*who{}, map[int]int{}, 0, 0
	for _, e := range d.Truth.Events { // by time
		if e.Visitor == "" || e.Fate == Late {
			continue
		}
		k := [2]string{e.Store, e.Visitor}
		w := seen[k]
		if w == nil {
			w = &who{last: Event{Session: -1}}
			seen[k] = w
		}
		other := e.User != "" && w.user != "" && e.User != w.user
		if e.User != "" {
			w.user = e.User
		}
		if e.Session < 0 {
			if other {
				w.last.User = "(other)"
			}
			continue
		}
		other = other || w.last.User == "(other)"
		members[e.Session]++
		if w.last.Session >= 0 && w.last.At != e.At && !capped[e.Visitor] {
			pause, gap := e.At-w.last.At, gaps[e.Store].gap(w.last.At)
			if same := e.Session == w.last.Session; same != (pause <= gap && !other) {
				t.Fatalf("%+v and %+v: %d ms, other user %t", w.last, e, pause, other)
			}
			if pause <= gap && other {
				switched++
			}
			if gap == 1_200_000 && pause > gap && pause <= 1_800_000 {
				shorter++
			}
		}
		w.last = e
	}
	for i, s := range d.Truth.Sessions {
		if s.Events != members[i] {
			t.Errorf("session %+v has %d events", s, members[i])
		}
	}
	if switched < 10 || shorter == 0 {
		t.Errorf("%d switches, %d cuts by the shorter gap", switched, shorter)
	}
}

// TestRobots checks each kind of robot by its own look, and that people are none.
func TestRobots(t *testing.T) {
	d := dirtyDay(t)
	looks := map[string]int{}
	for _, s := range d.Truth.Sessions {
		carts := 0
		for _, a := range s.Actions {
			carts += one(a == "cart_added")
		}
		switch {
		case s.Robot && carts > 20:
			looks["carts"]++
		case s.Robot && s.Events >= 150:
			looks["scrapes"]++
		case s.Robot:
			looks["declared"]++
		case carts > 20 || s.Events > 150:
			t.Errorf("no robot: %+v", s)
		}
	}
	if looks["carts"] < 5 || looks["scrapes"] < 40 || looks["declared"] < 100 {
		t.Errorf("robots %v", looks)
	}
	for _, c := range d.Truth.Cells {
		if c.Device == "other" {
			t.Errorf("a robot's cell: %+v", c)
		}
	}
}

// TestSabotageOfADirtyDay changes what is sent by one event, and nothing else.
func TestSabotageOfADirtyDay(t *testing.T) {
	want := truthBytes(t, plan(t, Config{Seed: 34, Events: 6000}))
	for _, kind := range []Sabotage{Drop, Dup, Move} {
		d := plan(t, Config{Seed: 34, Events: 6000, Sabotage: kind})
		if !bytes.Equal(truthBytes(t, d), want) {
			t.Errorf("%s changes the truth", kind)
		}
		x := d.Sabotaged
		s := d.Truth.Sessions[x.Session]
		at := slices.IndexFunc(d.Truth.Events, func(e Event) bool { return e.MessageID == x.MessageID })
		if at < 0 || d.Truth.Events[at].Session != x.Session || s.Robot || x.Segments[0] != s.Segment() || kind != Dup && s.Events != 1 {
			t.Errorf("%s: %+v in %+v", kind, x, s)
		}
	}
}

func TestCorrected(t *testing.T) {
	const now, minute = 1_000_000_000, int64(60_000)
	for _, c := range []struct{ original, sent, want int64 }{
		{now - 5000, now, now - 5000},                             // good clocks
		{now - 5000, now - 5*minute + 1, now - 5000},              // 4:59.999 of delay
		{now - 10*minute, now - 5*minute, now - 5*minute},         // five minutes
		{now - 10*minute, now - 450_000, now},                     // 7:30 rounds up, away from zero, and clamps
		{now - 10*minute, now - 449_999, now - 5*minute},          // 7:29.999 rounds down
		{now + 120*minute, now + 120*minute + 7000, now},          // two hours and 7 s ahead: 7 s remain, clamped
		{now + 119*minute, now + 120*minute - 7000, now - minute}, // two hours less 7 s ahead
		{now + 3000, now, now},                                    // the future
	} {
		if got := corrected(c.original, c.sent, now); got != c.want {
			t.Errorf("%d sent at %d: %d, expected %d", c.original-now, c.sent-now, got-now, c.want-now)
		}
	}
}

// TestAnyDay plans days of all kinds: small ones, and those on which clocks are changed somewhere.
func TestAnyDay(t *testing.T) {
	for _, day := range []time.Time{testDay, time.Date(2026, 3, 8, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)} {
		for _, events := range []int{1, 300, 2000} {
			for _, kind := range []Sabotage{None, Dup} {
				d := plan(t, Config{Seed: uint64(events), Day: day, Events: events, Sabotage: kind})
				if n := d.Truth.Counts; n.Late < 2 || n.Dead < 5 || n.Refunds < 2 || n.Skewed == 0 {
					t.Errorf("%s, %d events: %+v", day, events, n)
				}
			}
		}
		if _, err := Stores(Config{Day: day}); err != nil {
			t.Error(err)
		}
	}
}
