package sim

import (
	"cmp"
	"slices"
	"time"
)

// Day is one planned day, or several: the traffic and the truth about it.
type Day struct {
	// Config with its defaults filled in.
	Config Config
	// Truth is what a faultless pipeline shows once all events were sent.
	Truth *Truth
	// Sabotaged says which event goes out altered; nil without sabotage.
	Sabotaged *Sabotaged

	hits     []*hit // by time
	requests [][]*request
}

// Plan draws the day. It is pure: the same Config gives the same Day.
func Plan(c Config) (*Day, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	shops, err := c.shops()
	if err != nil {
		return nil, err
	}
	p := &planner{cfg: c, shops: shops, start: c.Day.UnixMilli(), end: c.end().UnixMilli(), popularity: popularity(),
		channels: weigh(len(channels), func(i int) float64 { return channels[i].share }),
		mixed:    weigh(len(channels), func(i int) float64 { return channels[i].share * c.mixOf(&channels[i]) }),
		devices:  weigh(len(devices), func(i int) float64 { return devices[i].share }),
		sole:     weigh(len(devices), func(i int) float64 { return devices[i].sole }),
		shares:   weigh(len(shops), func(i int) float64 { return shops[i].share }),
		days:     weigh(c.Days, func(i int) float64 { return weekday(c.Day.AddDate(0, 0, i)) })}
	if !c.Clean {
		p.rare()
	}
	for i := 0; len(p.hits) < c.Events*c.Days; i++ {
		p.person(i)
	}
	slices.SortStableFunc(p.hits, func(a, b *hit) int { return cmp.Compare(a.at, b.at) })
	if !c.Clean {
		p.spoil()
	}
	d := &Day{Config: c, hits: p.hits, requests: p.requests()}
	d.Truth = tell(c, shops, d.hits, d.requests)
	if err := d.sabotage(); err != nil {
		return nil, err
	}
	return d, nil
}

// weekday is how busy a day is.
func weekday(day time.Time) float64 {
	if w := day.Weekday(); w == time.Saturday || w == time.Sunday {
		return weekendMore
	}
	return 1
}

// planner draws persons until the day is full.
type planner struct {
	cfg        Config
	shops      []*shop
	start, end int64 // Unix milliseconds

	popularity, channels, mixed, devices, sole, shares, days weights

	orders  int
	hits    []*hit
	repeats []*delivery
}

// delivery is one sending of an event.
type delivery struct {
	*hit
	arrive int64
	again  bool // the event was sent before
	reused bool // another event was sent under its id
	fate   Fate
}
