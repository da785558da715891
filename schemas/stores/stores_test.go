package stores_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/schemas/stores"
)

func TestDemoStore(t *testing.T) {
	f, err := stores.Parse(stores.Demo())
	if err != nil {
		t.Fatal(err)
	}
	m := f.Meaning
	if f.Store != "demo" || len(f.Edge.WriteKeys) != 1 || m.Currency != "EUR" || time.Duration(m.SessionGap) != 30*time.Minute ||
		time.Duration(m.Lateness) != 24*time.Hour || len(m.Funnels) != 1 || len(m.Funnels[0].Steps) != 7 || !m.Funnels[0].Steps[1].Optional {
		t.Errorf("got %+v", f)
	}
}

// minimal is the least that a store file must say.
const minimal = `
store: x
edge: {write_keys: [k]}
meaning:
  time_zone: Europe/Berlin
  currency: EUR
  funnels: [{name: f, version: 1, steps: [{action: session}, {action: purchased}], breakdowns: [[channel]]}]
`

func TestDefaults(t *testing.T) {
	f, err := stores.Parse([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	if f.Meaning.SessionGap.Millis() != 1_800_000 || f.Meaning.Lateness.Millis() != 86_400_000 || f.Meaning.LinkHorizon.Millis() != 7*86_400_000 {
		t.Errorf("got %+v", f.Meaning)
	}
}

// Ensure that each mistake is refused, and that the error names its place.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"store: x", "store: X!", "line 2: store:"},
		{"store: x\n", "", "store"},
		{"write_keys: [k]", "write_keys: []", "write_keys"},
		{"{write_keys: [k]}", "{write_keys: [k], internal: [10.0.0.0/99]}", "line 3: edge.internal[0]:"},
		{"{write_keys: [k]}", "{write_keys: [k], origins: [shop.example]}", "edge.origins[0]"},
		{"currency: EUR", "currency: euro", "line 6: meaning.currency:"},
		{"currency: EUR", "currency: EUR\n  curency: EUR", "curency"},
		{"Europe/Berlin", "Europe/Atlantis", "line 5: meaning.time_zone:"},
		{"currency: EUR", "currency: EUR\n  session_gap: 9h", "session_gap"},
		{"currency: EUR", "currency: EUR\n  session_gap: soon", "session_gap"},
		{"currency: EUR", "currency: EUR\n  lateness: 0s", "lateness"},
		{"currency: EUR", "currency: EUR\n  brand_pattern: '('", "brand_pattern"},
		{"version: 1", "version: 0", "line 7: meaning.funnels[0].version:"},
		{"{action: session}, ", "", "steps"},
		{"{action: purchased}", "{action: session}", "steps[1]"},
		{"{action: purchased}", "{action: purchased, optional: true}", "steps: the first and the last step cannot be optional"},
		{"[[channel]]", "[[weather]]", "line 7: meaning.funnels[0].breakdowns[0][0]: use one of 'channel', 'device', 'os'"},
		{"[[channel]]", "[['variant:Big Button']]", "or variant: and an experiment's name"},
		{"[[channel]]", "[[channel, campaign]]", "line 7: meaning.funnels[0].breakdowns[0][1]: campaign can have any number of values"},
		{"[[channel]]", "[[landing_path]], allow: {campaign: [x]}", `put those to keep under allow, as "landing_path": [...]`},
		{"[[channel]]", "[['variant:price']], allow: {'variant:button': [x]}", "variant:price can have any number of values"},
		{"[[channel]]", "[[campaign]], allow: {campaign: [summer, Winter]}", `meaning.funnels[0].allow.campaign[1]: "Winter": campaigns are compared in small letters: use "winter"`},
		{"[[channel]]", "[[channel]], allow: {weather: [rain]}", "use one of 'channel'"},
		{"[[channel]]", "[[channel]], order: backwards", "meaning.funnels[0].order: use one of 'in_order', 'any'"},
		{"version: 1, steps: [{action: session}, ", "version: 1, order: any, steps: [{action: session}, {action: cart_added, optional: true}, ", "line 7: meaning.funnels[0].steps[1].optional: with order: any"},
		{"currency: EUR", "currency: EUR\n  rates: {USD: [{from: '2026-13-01', rate: '1'}]}", "from"},
		{"currency: EUR", "currency: EUR\n  rates: {USD: [{from: '2026-02-01', rate: '1'}, {from: '2026-01-01', rate: '1'}]}", "does not come after"},
		{"currency: EUR", "currency: EUR\n  rates: {USD: [{from: '2026-02-01', rate: '1,5'}]}", "rate"},
		{"currency: EUR", "currency: EUR\n  split_on: [moon]", "split_on"},
		{"store: x", "store: [x", "line 3: not YAML"},
	} {
		file := strings.Replace(minimal, c.old, c.new, 1)
		if _, err := stores.Parse([]byte(file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: got %v, want something with %q", c.new, c.old, err, c.want)
		}
	}
}

// Ensure that every dimension is taken, alone and in a tuple, and that the default order may be said.
func TestDimensions(t *testing.T) {
	const all = "[[channel, device, os, country], [returning, brand_search, consent], [campaign, landing_path, 'variant:check-out_2']], order: in_order, " +
		"allow: {campaign: [summer], landing_path: [/, /Sale], 'variant:check-out_2': [A, B], country: [DE]}"
	f, err := stores.Parse([]byte(strings.Replace(minimal, "[[channel]]", all, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if fu := f.Meaning.Funnels[0]; len(fu.Breakdowns[2]) != 3 || len(fu.Allow["variant:check-out_2"]) != 2 || fu.Order != "" {
		t.Errorf("got %+v", fu)
	}
	f, err = stores.Parse([]byte(strings.Replace(minimal, "[[channel]]", "[[channel]], order: any", 1)))
	if err != nil || f.Meaning.Funnels[0].Order != stores.OrderAny {
		t.Errorf("got %+v, %v", f.Meaning.Funnels, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add(stores.Demo())
	f.Fuzz(func(t *testing.T, b []byte) {
		if file, err := stores.Parse(b); err == nil && (file.Store == "" || len(file.Meaning.Funnels) == 0) {
			t.Errorf("taken without what it must say: %+v", file)
		}
	})
}
