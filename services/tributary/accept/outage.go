package accept

import (
	"time"

	"github.com/tributary-data/tributary/pkg/insight"
	"github.com/tributary-data/tributary/pkg/sim"
)

const (
	every = 5 * time.Minute // an outage is looked for
	back  = 120             // minutes that are looked at
)

// Page is when an outage was told: minutes after its begin; below 0: never.
type Page struct{ After int }

// Outage draws 35 days of minutes with an outage of 45 minutes at 20:00 of the last one, and says when it was told, and how many times
// something was told on the day that was nothing.
func Outage(seed uint64, sessions int) (p Page, wrong int) {
	from := first.AddDate(0, 0, Span-1).Add(20 * time.Hour)
	minutes := sim.DrawMinutes(sim.Draw{Seed: seed, Sessions: sessions, First: first, Days: Span,
		Incidents: []sim.Incident{{Kind: sim.IncidentCheckoutOutage, From: from, To: from.Add(45 * time.Minute)}}})
	u := usual(minutes[:len(minutes)-1440])
	p.After = -1
	for end := len(minutes) - 1440 + back; end <= len(minutes); end += int(every.Minutes()) {
		if !told(minutes[end-back:end], u) {
			continue
		}
		at := minutes[end-1].At.Add(time.Minute)
		switch {
		case at.Before(from):
			wrong++
		case p.After < 0:
			p.After = int(at.Sub(from).Minutes())
		}
	}
	return p, wrong
}

// FalsePages counts how often an outage is told in so many clean days.
func FalsePages(seed uint64, sessions, days int) (n int) {
	minutes := sim.DrawMinutes(sim.Draw{Seed: seed, Sessions: sessions, First: first, Days: Span + days})
	u := usual(minutes[:Span*1440])
	for end := Span * 1440; end <= len(minutes); end += int(every.Minutes()) {
		if told(minutes[end-back:end], u) {
			n++
		}
	}
	return n
}

// usual are the rates by hour of the week.
func usual(minutes []sim.DrawnMinute) (out [7 * 24]float64) {
	var r [7 * 24]insight.Rate
	for _, m := range minutes {
		h := int(m.At.Weekday())*24 + m.At.Hour()
		r[h] = r[h].Plus(insight.Rate{X: m.Done, N: m.Entered})
	}
	for h := range out {
		out[h] = r[h].Value()
	}
	return out
}

func told(minutes []sim.DrawnMinute, usual [7 * 24]float64) bool {
	list := make([]insight.Minute, len(minutes))
	for i, m := range minutes {
		list[i] = insight.Minute{Entered: m.Entered, Done: m.Done, Usual: usual[int(m.At.Weekday())*24+m.At.Hour()]}
	}
	_, ok := insight.DetectOutage(list)
	return ok
}
