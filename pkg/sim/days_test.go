package sim

import (
	"bytes"
	"testing"
	"time"
)

// Ensure that several days are each as busy as one, that people come back after their session is final, and that the plan is the same again.
func TestSeveralDays(t *testing.T) {
	const days = 3
	c := Config{Seed: 2, Events: 8000, Days: days}
	d := plan(t, c)
	if len(d.requests) != days*minutes {
		t.Fatalf("%d minutes, want %d", len(d.requests), days*minutes)
	}
	var sent [days]int
	for m, of := range d.requests {
		for _, q := range of {
			sent[m/minutes] += len(q.items)
			if m != minuteOf(q.received-testDay.UnixMilli()) {
				t.Fatalf("a request of minute %d is received at %d", m, q.received)
			}
		}
	}
	for i, n := range sent {
		if n < c.Events*6/10 || n > c.Events*14/10 {
			t.Errorf("day %d has %d events, want about %d", i+1, n, c.Events)
		}
	}
	last, back := map[string]int64{}, 0
	for _, s := range d.Truth.Sessions { // by start
		if before, is := last[s.Visitor]; is && s.StartedAt > before+1_800_000+lateness && s.Returning {
			back++
		}
		last[s.Visitor] = s.EndedAt
	}
	if back < 10 {
		t.Errorf("%d sessions come back after a final one, want 10 at least", back)
	}
	if !bytes.Equal(truthBytes(t, d), truthBytes(t, plan(t, c))) {
		t.Error("the same seed gave two truths")
	}
	if d.Truth.Header.Days != days {
		t.Errorf("the truth is about %d days", d.Truth.Header.Days)
	}
}

// Ensure that an incident on the last of several days leaves the days before it as they were.
func TestIncidentOnTheLastDay(t *testing.T) {
	rate := func(list []Incident, from, to time.Duration) float64 {
		var carts, products float64
		for _, h := range clean(t, Config{Seed: 5, Events: 40_000, Days: 2, Incidents: list}).hits {
			if at := time.Duration(h.at-testDay.UnixMilli()) * time.Millisecond; at < from || at >= to {
				continue
			}
			switch h.kind {
			case cartAdded:
				carts++
			case productViewed:
				products++
			}
		}
		return carts / products
	}
	list := on(IncidentStorefront, wholeDay, 2*wholeDay)
	list[0].Factor = .3
	if got := rate(list, 0, wholeDay) / rate(nil, 0, wholeDay); got < .93 || got > 1.07 {
		t.Errorf("on the day before, carts moved by %.2f", got)
	}
	if got := rate(list, wholeDay, 2*wholeDay) / rate(nil, wholeDay, 2*wholeDay); got > .5 {
		t.Errorf("on its day, carts moved by %.2f only", got)
	}
}
