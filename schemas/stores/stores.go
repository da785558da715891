// Package stores reads store files: the schema, the defaults and the checks that a schema cannot say.
//
// Reading is a pure function of the bytes, so a fold may parse the file that a config record carries.
package stores

import (
	"bytes"
	_ "embed" // the schema and the demo's store
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed store.schema.json
var schemaJSON []byte

//go:embed demo.yaml
var demoYAML []byte

// Demo is the demo's store file.
func Demo() []byte { return demoYAML }

// File is one store's settings.
type File struct {
	Store   string  `yaml:"store"`
	Edge    Edge    `yaml:"edge"`
	Meaning Meaning `yaml:"meaning"`
}

// Edge is read by ingest and affects only what it writes.
type Edge struct {
	WriteKeys      []string `yaml:"write_keys"`
	OwnDomains     []string `yaml:"own_domains"`
	PaymentDomains []string `yaml:"payment_domains"`
	// Origins of the pages that may send, such as https://shop.example; empty: any.
	Origins []string `yaml:"origins"`
	// Internal networks (CIDR) of the store's own people: events from them are flagged.
	Internal []string `yaml:"internal"`
}

// Meaning travels in the log as a config record.
type Meaning struct {
	TimeZone     string   `yaml:"time_zone"`
	Currency     string   `yaml:"currency"`
	SessionGap   Duration `yaml:"session_gap"`
	Lateness     Duration `yaml:"lateness"`
	LinkHorizon  Duration `yaml:"link_horizon"`
	BrandPattern string   `yaml:"brand_pattern"`
	// SplitOn are the rules besides the gap that cut sessions: campaign, midnight.
	SplitOn []string `yaml:"split_on"`
	// SessionCap is how many events of a run are kept; the rest only counts.
	SessionCap int `yaml:"session_cap"`
	// Rates into the base currency, by currency.
	Rates   map[string][]Rate `yaml:"rates"`
	Funnels []Funnel          `yaml:"funnels"`
}

// Rate of a currency from a day on, in the store's time zone: units of the base currency for one of it, a decimal string.
type Rate struct {
	From string `yaml:"from"`
	Rate string `yaml:"rate"`
}

// Funnel is one funnel's definition; a change of it is a new version.
type Funnel struct {
	Name       string     `yaml:"name" json:"name,omitempty"`
	Version    uint16     `yaml:"version" json:"version,omitempty"`
	Steps      []Step     `yaml:"steps" json:"steps,omitempty"`
	Breakdowns [][]string `yaml:"breakdowns" json:"breakdowns,omitempty"`
	// Allow lists, by dimension, the values that breakdowns keep; the rest is counted as (other).
	Allow map[string][]string `yaml:"allow" json:"allow,omitempty"`
	// Hold is a property that all steps of a unit must share: product, or empty.
	Hold string `yaml:"hold" json:"hold,omitempty"`
	// Order is OrderAny where the steps after the first count in whatever order they are done; empty: in their order.
	Order string `yaml:"order" json:"order,omitempty"`
}

// Step of a funnel. The built-in first step is called session.
type Step struct {
	Action   string `yaml:"action" json:"action,omitempty"`
	Optional bool   `yaml:"optional" json:"optional,omitempty"`
	// Exclude are actions that end the unit's way while this is the last step that it reached.
	Exclude []string `yaml:"exclude" json:"exclude,omitempty"`
}

// Duration in a store file, such as 30m or 24h.
type Duration time.Duration

// UnmarshalYAML reads Go's notation.
func (d *Duration) UnmarshalYAML(b []byte) error {
	v, err := time.ParseDuration(strings.Trim(string(bytes.TrimSpace(b)), `"'`))
	*d = Duration(v)
	return err
}

// Millis is the duration in milliseconds.
func (d Duration) Millis() int64 { return time.Duration(d).Milliseconds() }

// Parse reads and checks a store file. The error names the field and what was expected.
func Parse(file []byte) (File, error) {
	var raw any
	if err := yaml.Unmarshal(file, &raw); err != nil {
		return File{}, notYAML(err)
	}
	if err := checkSchema(raw); err != nil {
		return File{}, located(file, err)
	}
	f := File{Meaning: Meaning{SessionGap: Duration(30 * time.Minute), Lateness: Duration(24 * time.Hour),
		LinkHorizon: Duration(7 * 24 * time.Hour), SessionCap: 500}}
	if err := yaml.Unmarshal(file, &f); err != nil {
		return File{}, fmt.Errorf("store file: %w", err)
	}
	for i := range f.Meaning.Funnels { // to say the default is to say nothing: the funnel means the same, and so does its hash
		if fu := &f.Meaning.Funnels[i]; fu.Order == orderDefault {
			fu.Order = ""
		}
	}
	return f, located(file, f.check())
}

// notYAML is the first line of the parser's explanation, which has the place in front: [3:1] what is wrong.
func notYAML(err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	m := &Mistake{Expected: "not YAML, check its brackets and indentation: " + text}
	if place, what, ok := strings.Cut(strings.TrimPrefix(text, "["), "] "); ok {
		line, _, _ := strings.Cut(place, ":")
		m.Line, _ = strconv.Atoi(line) // 0 if it is none: then the place stays unsaid
		m.Expected = "not YAML, check its brackets and indentation: " + what
	}
	return m
}

// schema is compiled once: a fold that catches up may read many files.
var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaJSON))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("store.schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("store.schema.json")
})

func checkSchema(raw any) error {
	s, err := schema()
	if err != nil {
		return fmt.Errorf("store schema: %w", err)
	}
	if err := s.Validate(normal(raw)); err != nil {
		return schemaMistake(err)
	}
	return nil
}

// normal turns YAML's numbers into those that the validator knows.
func normal(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k := range x {
			x[k] = normal(x[k])
		}
	case []any:
		for i := range x {
			x[i] = normal(x[i])
		}
	case uint64:
		return int64(x)
	}
	return v
}

func (f File) checkRates() error {
	for currency, list := range f.Meaning.Rates {
		for i, r := range list {
			if _, err := time.Parse(time.DateOnly, r.From); err != nil {
				return mistake(fmt.Sprintf("meaning.rates.%s[%d].from", currency, i), "%q is no day such as 2026-01-31", r.From)
			}
			if i > 0 && r.From <= list[i-1].From {
				return mistake(fmt.Sprintf("meaning.rates.%s[%d].from", currency, i), "%s does not come after %s", r.From, list[i-1].From)
			}
		}
	}
	return nil
}

func (f File) check() error {
	if _, err := time.LoadLocation(f.Meaning.TimeZone); err != nil {
		return mistake("meaning.time_zone", "%q is no IANA time zone: use one such as Europe/Berlin", f.Meaning.TimeZone)
	}
	if _, err := regexp.Compile(f.Meaning.BrandPattern); err != nil {
		return mistake("meaning.brand_pattern", "%v", err)
	}
	for i, n := range f.Edge.Internal {
		if _, err := netip.ParsePrefix(n); err != nil {
			return mistake(fmt.Sprintf("edge.internal[%d]", i), "%q is no network: use one such as 192.0.2.0/24", n)
		}
	}
	if err := f.checkRates(); err != nil {
		return err
	}
	for i := range f.Meaning.Funnels {
		if err := f.Meaning.Funnels[i].check(fmt.Sprintf("meaning.funnels[%d]", i)); err != nil {
			return err
		}
	}
	if g := time.Duration(f.Meaning.SessionGap); g < time.Minute || g > 8*time.Hour {
		return mistake("meaning.session_gap", "%s: use 1m to 8h", g)
	}
	if f.Meaning.Lateness <= 0 || f.Meaning.LinkHorizon < 0 {
		return mistake("meaning.lateness", "use a time above zero")
	}
	return nil
}
