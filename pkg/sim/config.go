// Package sim is the storefront simulator and its ground truth: it plans a day of traffic of several stores, as dirty as
// real traffic is, writes down what a faultless pipeline would show for it, and sends it over HTTP.
//
// It is the independent oracle: it shares no code with the pipeline. Of channel and device it emits only page
// addresses, referrers and user agents; what the pipeline must make of them is known by construction, and sessions and
// funnels are recounted by naive code of its own.
package sim

import (
	"fmt"
	"time"
)

// Config of a simulated day, or of several in a row. The zero value of a field other than Day takes its default. Two plans of equal seed,
// events, days and incidents are equal to the byte.
type Config struct {
	// Seed of all random draws.
	Seed uint64
	// Events is how many events a day has, approximately: persons come until it is reached. Default: 50000.
	Events int
	// Day is the virtual day's midnight, UTC. All events arrive within the day, and most of them happen in it.
	Day time.Time
	// Days is how many days there are, from Day on: people come back on later ones. All that is said of the day is then said of all of
	// them together; what happens once or twice in a day happens once or twice in all. Default: 1.
	Days int
	// Clean leaves out all that goes wrong or is special: one store, no robots, every event sent once, in its minute.
	Clean bool
	// Wall is the wall time over which the sender spreads all minutes evenly; 0 = as fast as the answers come.
	Wall time.Duration
	// Incidents that happen to the storefront on this day.
	Incidents []Incident
	// Sabotage changes one event on its way to ingest, to prove that a verdict would notice.
	Sabotage Sabotage
}

func (c Config) withDefaults() Config {
	set(&c.Events, 50_000)
	set(&c.Days, 1)
	return c
}

// end of the last day.
func (c Config) end() time.Time { return c.Day.AddDate(0, 0, c.Days) }

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports the first field that cannot be planned with.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Day.IsZero() || !c.Day.Equal(c.Day.Truncate(24*time.Hour)):
		return fmt.Errorf("simulator: Day is %s, expected a midnight in UTC", c.Day)
	case c.Events < 0:
		return fmt.Errorf("simulator: Events is %d, expected a positive number", c.Events)
	case c.Days < 0:
		return fmt.Errorf("simulator: Days is %d, expected a positive number", c.Days)
	case c.Wall < 0:
		return fmt.Errorf("simulator: Wall is %s, expected zero or more", c.Wall)
	}
	for _, i := range c.Incidents {
		if err := i.validate(); err != nil {
			return err
		}
	}
	return c.Sabotage.validate()
}
