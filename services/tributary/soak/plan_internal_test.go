package soak

import (
	"reflect"
	"testing"
	"time"
)

// Ensure that a seed is a plan, that another one is another, and that every twenty seconds hold what a soak must show.
func TestPlan(t *testing.T) {
	a := plan(7, time.Minute, 3)
	if !reflect.DeepEqual(a, plan(7, time.Minute, 3)) {
		t.Error("the same seed gives another plan")
	}
	if reflect.DeepEqual(a, plan(8, time.Minute, 3)) {
		t.Error("another seed gives the same plan")
	}
	seen, length, deck := map[kind]int{}, time.Duration(0), len(a)/3
	for first := 0; first < len(a); first += deck {
		crashes, brokers := 0, 0
		for _, f := range a[first : first+deck] {
			seen[f.Kind]++
			length += f.After
			if f.Kind == faultCrash && f.Nth > 0 {
				crashes++
			}
			if f.Service == broker {
				brokers++
			}
			if away := f.Kind == faultGone || f.Kind == faultMoved || f.Kind == faultZombie; away != (f.Down > sessionTimeout) {
				t.Errorf("%s: the session timeout is %s", f, sessionTimeout)
			}
			if n := instances[f.Service]; f.Instance < 1 || n > 0 && f.Instance > n || f.Service == broker && f.Instance > 3 {
				t.Errorf("%s: there is no such instance", f)
			}
		}
		if crashes != 4 || brokers != 1 {
			t.Errorf("%d crashes and %d restarts of a broker in a round, want 4 and 1", crashes, brokers)
		}
	}
	if len(a)%3 != 0 || length < 48*time.Second || length > 72*time.Second {
		t.Errorf("%d faults in %s for a minute", len(a), length)
	}
	for _, k := range []kind{faultKill, faultCrash, faultGone, faultEmpty, faultMoved, faultPause, faultZombie, faultStop} {
		if seen[k] == 0 {
			t.Errorf("no %s in a minute", k)
		}
	}
	if n := len(plan(7, 20*time.Second, 1)); n != deck {
		t.Errorf("%d faults in 20 s, want %d", n, deck)
	}
}
