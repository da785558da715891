package sim

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"
)

// factor of a kind at a time: 1 where none is going on.
func factor(list []Incident, kind IncidentKind, at time.Time) float64 {
	i := slices.IndexFunc(list, func(i Incident) bool { return i.Kind == kind && !at.Before(i.From) && at.Before(i.To) })
	if i < 0 {
		return 1
	}
	if f := list[i].Factor; f != 0 {
		return f
	}
	switch kind {
	case IncidentMix:
		return 3.5
	case IncidentStorefront:
		return .75
	case IncidentMobileRelease:
		return .7
	case IncidentCheckoutOutage:
		return .05
	case IncidentTrackingBreak:
		return .1
	}
	return .6 / identifiedShare
}

// dayFactor is what a kind does to all of a day: the mean of its factors over the day's minutes, each with the weight of its hour. An
// outage of 45 minutes thus spares what happens before and after it.
func dayFactor(list []Incident, kind IncidentKind, day time.Time) float64 {
	end := day.AddDate(0, 0, 1)
	at := slices.IndexFunc(list, func(i Incident) bool { return i.Kind == kind && i.From.Before(end) && day.Before(i.To) })
	if at < 0 {
		return 1
	}
	if i := list[at]; !day.Before(i.From) && !i.To.Before(end) {
		return factor(list, kind, day)
	}
	var sum, weights float64
	for m := range 1440 {
		w := hours[m/60]
		sum, weights = sum+w*factor(list, kind, day.Add(time.Duration(m)*time.Minute)), weights+w
	}
	return sum / weights
}

// factor of an incident of the planned day at a time, Unix milliseconds.
func (p *planner) factor(kind IncidentKind, at int64) float64 {
	return factor(p.cfg.Incidents, kind, time.UnixMilli(at))
}

// spared draws whether what a visitor does at a time escapes an incident. The draw is apart from the person's: who is not hit behaves
// as on the day without it.
func (p *planner) spared(kind IncidentKind, v *visitor, at int64) bool {
	keep := p.factor(kind, at)
	if keep == 1 {
		return true
	}
	h := fnv.New64a()
	fmt.Fprint(h, kind, v.id, at)
	return chance(rand.New(rand.NewPCG(p.cfg.Seed, h.Sum64())), keep)
}

// mixOf is what an incident multiplies a channel's visits by.
func (c *Config) mixOf(ch *channelModel) float64 {
	if i := slices.IndexFunc(c.Incidents, func(i Incident) bool { return i.Kind == IncidentMix }); i >= 0 && ch.channel == "Paid Social" {
		return factor(c.Incidents, IncidentMix, c.Incidents[i].From)
	}
	return 1
}
