package visitor

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-data/tributary/pkg/stream"
)

// Ensure that what is known of a sleeping visitor is what was known of it awake.
func TestHeadReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := visitor{due: rapid.Int64().Draw(t, "due")}
		for range rapid.IntRange(0, 5).Draw(t, "sessions") {
			v.starts = append(v.starts, bucket(rapid.Int64Range(0, 1<<45).Draw(t, "start")))
		}
		var back visitor
		all, rest, ok := back.readHead(append(v.appendHead(nil), "rest"...), []int64{7})
		if !ok || string(rest) != "rest" || back.due != v.due || !slices.Equal(back.starts, v.starts) || all[0] != 7 {
			t.Fatalf("got %+v, %q, %t; want %+v", back, rest, ok, v)
		}
		if cap(back.starts) != len(back.starts) {
			t.Fatal("a session more would be written over the next visitor's")
		}
	})
}

func FuzzHead(f *testing.F) {
	f.Add((&visitor{due: 1, starts: []int64{0, 900_000}}).appendHead(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v visitor
		if _, rest, ok := v.readHead(b, nil); ok && len(rest) > len(b) {
			t.Error("more is left than there was")
		}
	})
}

// Ensure that a damaged state halts the partition instead of being buried as a record that cannot be read.
func TestDamagedStateHalts(t *testing.T) {
	f := NewFold("events.g0", 0, 0)
	v := &visitor{key: "demo\x00v", store: &store{name: "demo"}, asleep: "\xff"}
	if h := stream.HaltOf(f.wake(v)); h == nil || h.Reason != stream.ReasonState {
		t.Errorf("got %v", h)
	}
}
