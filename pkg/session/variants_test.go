package session_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-data/tributary/pkg/session"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// viewed makes an event that showed a variation of an experiment.
func viewed(offset, ts int64, experiment, variation string) *pb.StoredEvent {
	e := at(offset, ts)
	e.Action, e.Entry.Variants = "experiment_viewed", map[string]string{experiment: variation}
	return e
}

func TestVariants(t *testing.T) {
	r := rules()
	for name, c := range map[string]struct {
		events []*pb.StoredEvent
		want   map[string]string
	}{
		"none":                    {[]*pb.StoredEvent{at(0, 0)}, nil},
		"by the second event":     {[]*pb.StoredEvent{at(0, 0), viewed(1, 1, "button", "B")}, map[string]string{"button": "B"}},
		"the same again":          {[]*pb.StoredEvent{viewed(0, 0, "button", "B"), at(1, 1), viewed(2, 2, "button", "B")}, map[string]string{"button": "B"}},
		"two of one experiment":   {[]*pb.StoredEvent{viewed(0, 0, "button", "A"), viewed(1, 1, "button", "B"), viewed(2, 2, "button", "A")}, map[string]string{"button": "(mixed)"}},
		"two experiments":         {[]*pb.StoredEvent{viewed(0, 0, "button", "A"), viewed(1, 1, "price", "B")}, map[string]string{"button": "A", "price": "B"}},
		"in another session only": {[]*pb.StoredEvent{at(0, 0), viewed(1, 31*minute, "button", "A")}, nil},
	} {
		if got := of(r, c.events...).All(r)[0].Entry.Variants; !maps.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	var many []*pb.StoredEvent
	for i := range int64(12) {
		many = append(many, viewed(i, i, fmt.Sprintf("e%02d", 11-i), "A"))
	}
	got := of(r, many...).All(r)[0].Entry.Variants
	if want := []string{"e00", "e01", "e02", "e03", "e04", "e05", "e06", "e07"}; !slices.Equal(slices.Sorted(maps.Keys(got)), want) {
		t.Errorf("of twelve experiments: got %v, want the smallest eight", got)
	}
}

// variantsOracle asks for each experiment which variations its events showed.
func variantsOracle(events []*pb.StoredEvent) map[string]string {
	shown := map[string]map[string]bool{}
	for _, e := range events {
		for experiment, variation := range e.Entry.Variants {
			if shown[experiment] == nil {
				shown[experiment] = map[string]bool{}
			}
			shown[experiment][variation] = true
		}
	}
	out := map[string]string{}
	for _, experiment := range slices.Sorted(maps.Keys(shown)) {
		if len(out) == 8 {
			break
		}
		out[experiment] = session.MixedVariant
		if len(shown[experiment]) == 1 {
			out[experiment] = slices.Collect(maps.Keys(shown[experiment]))[0]
		}
	}
	return out
}

// Ensure that the variants are a function of the set: whatever order events arrive in, and through the store and back.
func TestVariantsOfASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rules()
		var events []*pb.StoredEvent
		for i := range rapid.Int64Range(1, 14).Draw(t, "events") {
			e := viewed(i, rapid.Int64Range(0, 5).Draw(t, "ts"), fmt.Sprint("e", rapid.IntRange(0, 9).Draw(t, "experiment")), rapid.SampledFrom([]string{"A", "B"}).Draw(t, "variation"))
			if rapid.IntRange(0, 3).Draw(t, "none") == 0 {
				e.Entry.Variants = nil
			}
			events = append(events, e)
		}
		v := of(r, rapid.Permutation(events).Draw(t, "arrival")...)
		all := v.All(r)
		if len(all) != 1 || !maps.Equal(all[0].Entry.Variants, variantsOracle(events)) {
			t.Fatalf("got %v, want %v", all, variantsOracle(events))
		}
		again, err := session.Restore("s", "a", v.AppendState(nil), r, text)
		if err != nil || !again.All(r)[0].Entry.EqualVT(all[0].Entry) {
			t.Fatalf("restored: got %v, %v", again.All(r)[0].Entry, err)
		}
	})
}

func TestConsent(t *testing.T) {
	r := rules()
	for categories, want := range map[string]string{
		"": "", "Functional=1": "granted", "Functional=0": "denied", "a=0,b=1": "partial",
		"Advertising=1,Analytics=1": "granted", "Advertising=0,Analytics=0,Functional=1": "denied", "Advertising=0,Analytics=1": "analytics",
		"Advertising=1,Analytics=0": "advertising", "Analytics=1,Functional=0": "granted", "Marketing=0": "denied",
		"ad_personalization=0,ad_storage=1,analytics_storage=1": "partial", "ad_storage=0,ad_user_data=0,analytics_storage=1": "analytics",
		"C0001=1,C0002=1,C0003=0,C0004=0": "analytics", "nonsense": "",
	} {
		first, second := at(0, 0), at(1, 1)
		first.Entry.Consent, second.Entry.Consent = categories, "Analytics=1"
		s := of(r, first, second).All(r)[0]
		if s.Entry.Consent != want {
			t.Errorf("%q: got %q, want %q", categories, s.Entry.Consent, want)
		}
		if first.Entry.Consent != categories {
			t.Errorf("%q: the event's own categories changed to %q", categories, first.Entry.Consent)
		}
	}
}
