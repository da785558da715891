package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

var testDay = time.Date(2026, 9, 12, 0, 0, 0, 0, time.UTC)

func plan(t testing.TB, c Config) *Day {
	t.Helper()
	if c.Day.IsZero() {
		c.Day = testDay
	}
	d, err := Plan(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func truthBytes(t *testing.T, d *Day) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := d.WriteTruth(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// clean plans a day without what goes wrong.
func clean(t testing.TB, c Config) *Day {
	t.Helper()
	c.Clean = true
	return plan(t, c)
}

func TestPlanIsDeterministic(t *testing.T) {
	a, b, c := plan(t, Config{Seed: 7, Events: 5000}), plan(t, Config{Seed: 7, Events: 5000}), plan(t, Config{Seed: 8, Events: 5000})
	if !bytes.Equal(truthBytes(t, a), truthBytes(t, b)) {
		t.Error("the same seed gave two truths")
	}
	if bytes.Equal(truthBytes(t, a), truthBytes(t, c)) {
		t.Error("another seed gave the same truth")
	}
	if wireBytes(t, a) != wireBytes(t, b) {
		t.Error("the same seed gave two sendings")
	}
}

// wireBytes is all that a day sends.
func wireBytes(t *testing.T, d *Day) string {
	t.Helper()
	var b strings.Builder
	for _, of := range d.requests {
		for _, q := range of {
			e, err := q.encode(nil)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&b, q.received, e.path, e.header, string(e.body), e.lost)
		}
	}
	return b.String()
}

func TestDefaultSize(t *testing.T) {
	for seed := range uint64(2) {
		for _, c := range []Config{{Seed: seed}, {Seed: seed, Clean: true}} {
			d := plan(t, c)
			n := counts(d.Truth)
			if math.Abs(float64(len(d.Truth.Events))-50_000) > 1000 {
				t.Errorf("seed %d: %d events", seed, len(d.Truth.Events))
			}
			if len(d.Truth.Sessions) < 2000 || len(d.Truth.Cells) < 5000 || n["purchased"] < 50 {
				t.Errorf("seed %d: %d sessions, %d cells, %d purchases", seed, len(d.Truth.Sessions), len(d.Truth.Cells), n["purchased"])
			}
			for _, k := range []*kind{pageViewed, searched, listViewed, productViewed, cartAdded, cartViewed, checkout, shipping, payment,
				purchased, wishlisted, subscribed, registered, videoStarted, shared, identified} {
				if n[k.action] == 0 {
					t.Errorf("seed %d: no %s", seed, k.action)
				}
			}
		}
	}
}

func counts(t *Truth) map[string]int {
	n := map[string]int{}
	for i := range t.Events {
		n[t.Events[i].Action]++
	}
	return n
}

func TestEventsLieInsideTheDay(t *testing.T) {
	d := clean(t, Config{Seed: 3})
	ids, from := map[string]bool{}, testDay.UnixMilli()
	for i, e := range d.Truth.Events {
		if e.At <= from || e.At >= from+86_400_000 {
			t.Errorf("event at %d ms of the day", e.At-from)
		}
		if i > 0 && e.At < d.Truth.Events[i-1].At {
			t.Error("events are not in the order of time")
		}
		if ids[e.MessageID] || len(e.MessageID) >= 100 {
			t.Errorf("message id %q twice or too long", e.MessageID)
		}
		ids[e.MessageID] = true
	}
}

// TestShares holds the traffic to the model's parameters, with room for chance and for what the day cuts off.
func TestShares(t *testing.T) {
	d := clean(t, Config{Seed: 11, Events: 100_000})
	sessions := float64(len(d.Truth.Sessions))
	n := map[string]float64{}
	for _, s := range d.Truth.Sessions {
		n[s.Device]++
		n[s.Channel]++
		n["brand "+s.Brand]++
		for k := 1; k <= s.Level; k++ {
			n[full[k-1].action]++
		}
		if s.Events == 1 {
			n["single"]++
		}
		if len(s.Implied) > 0 {
			n["implied"]++
		}
	}
	for i := range d.Truth.Events {
		n["event "+d.Truth.Events[i].Action]++
	}
	for _, c := range []struct {
		name       string
		want, room float64
	}{
		{"mobile", .67, .04}, {"desktop", .30, .04}, {"tablet", .03, .015},
		{"Direct", .20, .02}, {"Organic Search", .24, .02}, {"Paid Search", .155, .02}, {"Paid Social", .18, .02}, {"Organic Social", .042, .01},
		{"Email", .074, .01}, {"Referral", .03, .01}, {"Affiliates", .02, .01}, {"Display", .03, .01}, {"Paid Shopping", .015, .006},
		{"Organic Video", .008, .004}, {"SMS", .006, .004}, {"brand yes", .07, .01},
		{"product_viewed", .60, .03}, {"cart_added", .127, .015}, {"purchased", .0278, .005}, {"single", .35, .04},
		{"event newsletter_subscribed", .025, .005}, {"event wishlist_added", .03, .006}, {"event video_started", .05, .01},
		{"event account_created", .012, .004}, {"event shared", .004, .002},
	} {
		if got := n[c.name] / sessions; math.Abs(got-c.want) > c.room {
			t.Errorf("%s: share %.4f, expected %.4f ± %.3f", c.name, got, c.want, c.room)
		}
	}
	if n["implied"] < 100 {
		t.Errorf("only %g sessions jump over a step", n["implied"])
	}
}

func TestTruthDoesNotDependOnSendingOptions(t *testing.T) {
	plain := truthBytes(t, plan(t, Config{Seed: 5, Events: 3000}))
	for _, c := range []Config{{Seed: 5, Events: 3000, Wall: time.Minute}, {Seed: 5, Events: 3000, Sabotage: Drop},
		{Seed: 5, Events: 3000, Sabotage: Dup}, {Seed: 5, Events: 3000, Sabotage: Move}} {
		if !bytes.Equal(plain, truthBytes(t, plan(t, c))) {
			t.Errorf("%+v changes the truth", c)
		}
	}
}

func TestTruthFile(t *testing.T) {
	d := plan(t, Config{Seed: 5, Events: 6000})
	lines := strings.Split(strings.TrimSpace(string(truthBytes(t, d))), "\n")
	r := d.Truth
	if want := 1 + len(r.Events) + len(r.Repeats) + len(r.Sessions) + len(r.Cells) + len(r.Hours) + len(r.Occurred) + len(r.Orders) +
		len(r.Refunds) + len(r.Intake) + len(r.Letters); len(lines) != want {
		t.Errorf("%d lines, expected %d", len(lines), want)
	}
	if !strings.HasPrefix(lines[0], `{"kind":"config","seed":5,"events":6000,"day":"2026-09-12","clean":false,"stores":["demo","bazaar","atelier"],`) {
		t.Errorf("first line %s", lines[0])
	}
	if !strings.HasPrefix(lines[1], `{"kind":"event","store":"`) || strings.Contains(strings.Join(lines, ""), `\u0026`) {
		t.Errorf("second line %s", lines[1])
	}
	kinds := map[string]bool{}
	for _, l := range lines {
		var v struct{ Kind string }
		if err := json.Unmarshal([]byte(l), &v); err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		kinds[v.Kind] = true
	}
	if len(kinds) != 11 {
		t.Errorf("kinds of lines %v", kinds)
	}
}

func TestConfigValidate(t *testing.T) {
	if err := (Config{Day: testDay}).Validate(); err != nil {
		t.Errorf("the defaults fail: %v", err)
	}
	for field, c := range map[string]Config{
		"Day": {}, "Day is": {Day: testDay.Add(time.Hour)}, "Events": {Day: testDay, Events: -1}, "Wall": {Day: testDay, Wall: -1},
		"Sabotage": {Day: testDay, Sabotage: "burn"},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: error %v", field, err)
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	for b.Loop() {
		d := plan(b, Config{Seed: 1})
		b.ReportMetric(float64(len(d.Truth.Events)), "events/op")
	}
}
