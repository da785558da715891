package sim

import (
	"bytes"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/schemas/stores"
)

// TestImports keeps the oracle independent: it may know the standard library, and nothing of ours.
func TestImports(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, im := range parsed.Imports {
			path, _ := strconv.Unquote(im.Path.Value)
			host, _, _ := strings.Cut(path, "/")
			if strings.Contains(host, ".") && path != "gonum.org/v1/gonum/stat/distuv" { // random draws
				t.Errorf("%s imports %s", f.Name(), path)
			}
		}
	}
}

// TestStoreFiles holds the simulator's constants and its store files together.
func TestStoreFiles(t *testing.T) {
	c := Config{Day: testDay}
	files, err := Stores(c)
	if err != nil {
		t.Fatal(err)
	}
	shops, err := c.shops()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(files[0].File, stores.Demo()) {
		t.Error("stores/demo.yaml is not the demo's store file")
	}
	for _, s := range shops {
		for i, set := range s.settings {
			file := files[0]
			files = files[1:]
			if file.Name != s.name || file.WriteKey != s.key || (i == 0) != file.From.IsZero() || i > 0 && file.From.UnixMilli() != set.from {
				t.Errorf("file %s from %s, setting %+v", file.Name, file.From, set)
			}
			checkStore(t, s, &set, file)
		}
	}
	if len(files) != 0 {
		t.Errorf("%d files too many", len(files))
	}
	if clean, err := Stores(Config{Day: testDay, Clean: true}); err != nil || len(clean) != 1 {
		t.Errorf("a clean day has %d stores: %v", len(clean), err)
	}
}

func checkStore(t *testing.T, s *shop, set *setting, file StoreFile) {
	t.Helper()
	f, err := stores.Parse(file.File)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	m := f.Meaning
	if f.Store != s.name || f.Edge.WriteKeys[0] != s.key || "https://"+f.Edge.OwnDomains[0] != s.url || m.Currency != s.currency ||
		m.BrandPattern != s.brand || m.SessionGap.Millis() != set.gap || m.TimeZone != s.zone.String() || m.Lateness.Millis() != lateness ||
		m.SessionCap != keptEvents || len(m.SplitOn) != 0 {
		t.Errorf("store file %+v, simulator %+v", f, s)
	}
	rates := map[string][]rate{}
	for currency, list := range m.Rates {
		for _, r := range list {
			rates[currency] = append(rates[currency], rate{r.From, r.Rate})
		}
	}
	if len(rates)+len(s.rates) > 0 && !reflect.DeepEqual(rates, s.rates) {
		t.Errorf("%s: rates %v, expected %v", s.name, rates, s.rates)
	}
	var have []step
	for _, st := range m.Funnels[0].Steps {
		have = append(have, step{st.Action, st.Optional})
	}
	if fu := m.Funnels[0]; len(m.Funnels) != 1 || fu.Name != funnelName || int(fu.Version) != set.version || !slices.Equal(have, set.steps) ||
		!slices.Equal(fu.Breakdowns[0], []string{"channel", "device"}) {
		t.Errorf("%s: funnel %+v", s.name, fu)
	}
	if !file.From.IsZero() {
		at := file.From.In(s.zone)
		if at.Hour() != 0 || at.Minute() != 0 || file.From.Sub(testDay) < 2*time.Hour || file.From.Sub(testDay) > 22*time.Hour {
			t.Errorf("%s changes at %s", s.name, at)
		}
	}
}

// TestRates checks the days of rates against the file's own reader.
func TestRates(t *testing.T) {
	shops, err := Config{Day: testDay}.shops()
	if err != nil {
		t.Fatal(err)
	}
	files, err := Stores(Config{Day: testDay})
	if err != nil {
		t.Fatal(err)
	}
	var line stores.Timeline
	if _, err := line.Add("1", 0, files[1].File); err != nil {
		t.Fatal(err)
	}
	bazaar, seen := shops[1], map[string]bool{}
	for _, currency := range []string{"INR", "EUR", "USD", "JPY", "GBP"} {
		for h := range 24 * 5 {
			at := testDay.Add(time.Duration(h-72)*time.Hour + time.Minute).UnixMilli()
			want, _ := line.At(at).Rate(currency, at)
			if got := bazaar.rateAt(currency, at); got != want && currency != "INR" {
				t.Fatalf("%s at %d: %s, expected %s", currency, at, got, want)
			}
			seen[want] = true
		}
	}
	if len(seen) != 9 {
		t.Errorf("rates %v", seen)
	}
	for _, c := range []struct {
		minor    int64
		currency string
		want     int64
		known    bool
	}{{100, "INR", 100, true}, {0, "GBP", 0, true}, {100, "GBP", 0, false}, {1, "JPY", 56, true}, {5000, "JPY", 281650, true}, {1, "EUR", 98, true}} {
		if got, known := bazaar.base(c.minor, c.currency, testDay.Add(6*time.Hour).UnixMilli()); got != c.want || known != c.known {
			t.Errorf("%d %s: %d, %t", c.minor, c.currency, got, known)
		}
	}
}
