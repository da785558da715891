package visitor_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/state"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/services/sessionizer/visitor"
)

// Ensure that what was loaded and not touched since expires as if it had stayed in memory: its keys leave the store, and the marks
// move on.
func TestSleepersExpire(t *testing.T) {
	log := logOf(t, config(), ev("v", day0, "a"), ev("w", day0+minute, "b"), tick(day0+60*24*60*minute), tick(day0+61*24*60*minute), tick(day0+62*24*60*minute))
	slept, awake := t.TempDir(), t.TempDir()
	for _, end := range []int{3, len(log)} { // the store is opened anew in between
		st, err := state.Open(slept, state.Options{})
		if err != nil {
			t.Fatal(err)
		}
		f := visitor.NewFold("events.g0", 0, 3)
		if err := f.Load(st, st.Position().Next); err != nil {
			t.Fatal(err)
		}
		l := stream.NewLoop(stream.Config{FlushEvery: 1 << 62, FlushRecords: 1}, newSource(log[:end], st.Position().Next, 9), f, &topic{}, st)
		if err := l.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(t, awake, log, &topic{}, 1, nil); err != nil {
		t.Fatal(err)
	}
	got, want := content(t, slept), content(t, awake)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, line := range got {
		if strings.HasPrefix(line, `"v/`) {
			t.Errorf("still there: %s", line)
		}
	}
}
