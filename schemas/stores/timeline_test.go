package stores_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/schemas/stores"
)

func TestTimeline(t *testing.T) {
	var line stores.Timeline
	add := func(id string, from int64, gap string, want bool) {
		t.Helper()
		if added, err := line.Add(id, from, []byte(strings.Replace(minimal, "currency: EUR", "currency: EUR\n  session_gap: "+gap, 1))); err != nil || added != want {
			t.Fatalf("%s: added %t, %v", id, added, err)
		}
	}
	add("a", 0, "30m", true)
	add("c", 300, "3m", true)
	add("b", 200, "2m", true)
	add("b2", 200, "4m", true)
	add("a", 0, "30m", false)
	for ts, want := range map[int64]time.Duration{-5: 30, 0: 30, 199: 30, 200: 4, 299: 4, 300: 3, 9999: 3} {
		if got := time.Duration(line.At(ts).File.Meaning.SessionGap); got != want*time.Minute {
			t.Errorf("at %d: got %s, want %d min", ts, got, want)
		}
	}
	if _, err := line.Add("x", 0, []byte("store: x")); err == nil || len(line) != 4 {
		t.Error("a bad file was taken")
	}
}

func TestRates(t *testing.T) {
	var line stores.Timeline
	file := strings.Replace(minimal, "currency: EUR", "currency: EUR\n  rates: {USD: [{from: '2026-01-01', rate: '0.9'}, {from: '2026-02-01', rate: '0.8'}]}", 1)
	if _, err := line.Add("a", 0, []byte(file)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		currency, at, rate string
		ok                 bool
	}{
		{"EUR", "2020-01-01T00:00:00Z", "1", true}, {"USD", "2025-12-31T22:59:59Z", "", false}, {"USD", "2025-12-31T23:00:00Z", "0.9", true},
		{"USD", "2026-01-31T22:59:59Z", "0.9", true}, {"USD", "2026-01-31T23:00:00Z", "0.8", true}, {"GBP", "2026-01-31T23:00:00Z", "", false},
	} {
		ts, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if rate, ok := line.At(0).Rate(c.currency, ts.UnixMilli()); rate != c.rate || ok != c.ok {
			t.Errorf("%s at %s: got %q, %t", c.currency, c.at, rate, ok)
		}
	}
}

func TestNextMidnight(t *testing.T) {
	var line stores.Timeline
	if _, err := line.Add("a", 0, []byte(minimal)); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{
		"2026-03-28T21:59:00Z": "2026-03-28T23:00:00Z", // Berlin's clocks change the night after
		"2026-03-28T22:00:00Z": "2026-03-28T23:00:00Z",
		"2026-03-28T22:00:01Z": "2026-03-29T22:00:00Z",
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.UnixMilli(line.At(0).NextMidnight(now.UnixMilli(), time.Hour)).UTC().Format(time.RFC3339); got != want {
			t.Errorf("after %s: got %s, want %s", at, got, want)
		}
	}
}
