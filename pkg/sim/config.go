// Package sim is the storefront simulator and its ground truth: it plans a day of traffic, writes down what a
// faultless pipeline would show for it, and sends it over HTTP.
//
// It is the independent oracle: it shares no code with the pipeline. Of channel and device it emits only page
// addresses, referrers and user agents; what the pipeline must make of them is known by construction, and sessions and
// funnels are recounted by naive code of its own.
package sim

import (
	"fmt"
	"net/url"
	"regexp"
	"time"
)

// Config of one simulated day. The zero value of a field other than Day takes its default. Two plans of equal seed,
// events and day are equal to the byte.
type Config struct {
	// Seed of all random draws.
	Seed uint64
	// Events is how many events the day has, approximately: persons come until it is reached. Default: 50000.
	Events int
	// Day is the virtual day's midnight, UTC. No event lies outside the day.
	Day time.Time
	// Store that the events belong to. Default: demo.
	Store string
	// WriteKey of the store. Default: demo-write-key.
	WriteKey string
	// ShopURL is the storefront's address without a path; its host is the store's own domain. Default: https://shop.example.
	ShopURL string
	// Currency of all orders, one with two decimals. Default: EUR.
	Currency string
	// Brand is the word that the store's brand pattern looks for, lower case. Default: acme.
	Brand string
	// Gap of the store: a longer distance between interactive events ends a session. Default: 30m.
	Gap time.Duration
	// Wall is the wall time over which the sender spreads the day's minutes evenly; 0 = as fast as the answers come.
	Wall time.Duration
	// Sabotage changes one event on its way to ingest, to prove that a verdict would notice.
	Sabotage Sabotage
}

var (
	brandWord = regexp.MustCompile(`^[a-z]+$`)
	currency  = regexp.MustCompile(`^[A-Z]{3}$`)
)

func (c Config) withDefaults() Config {
	set(&c.Events, 50_000)
	set(&c.Store, "demo")
	set(&c.WriteKey, "demo-write-key")
	set(&c.ShopURL, "https://shop.example")
	set(&c.Currency, "EUR")
	set(&c.Brand, "acme")
	set(&c.Gap, 30*time.Minute)
	return c
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports the first field that cannot be planned with.
func (c Config) Validate() error {
	c = c.withDefaults()
	u, err := url.Parse(c.ShopURL)
	switch {
	case c.Day.IsZero() || !c.Day.Equal(c.Day.Truncate(24*time.Hour)):
		return fmt.Errorf("simulator: Day is %s, expected a midnight in UTC", c.Day)
	case c.Events < 0:
		return fmt.Errorf("simulator: Events is %d, expected a positive number", c.Events)
	case err != nil || u.Host == "" || u.Path != "":
		return fmt.Errorf("simulator: ShopURL is %q, expected scheme://host", c.ShopURL)
	case !currency.MatchString(c.Currency):
		return fmt.Errorf("simulator: Currency is %q, expected an ISO 4217 code", c.Currency)
	case !brandWord.MatchString(c.Brand):
		return fmt.Errorf("simulator: Brand is %q, expected a lower-case word", c.Brand)
	case c.Gap < time.Minute || c.Gap != c.Gap.Truncate(time.Millisecond):
		return fmt.Errorf("simulator: Gap is %s, expected whole milliseconds and at least a minute", c.Gap)
	case c.Wall < 0:
		return fmt.Errorf("simulator: Wall is %s, expected zero or more", c.Wall)
	}
	return c.Sabotage.validate()
}
