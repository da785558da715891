package funnel

// Funnels in any order: the first step is where a unit enters, as in every funnel; the others count in whatever order they
// are done. Level is how many of the steps a unit did, the first one too, and At[k-1] is when it did the k-th of them; so
// units[k] of a cell are the units that did at least k of the steps, which falls from step to step and has the entry as its
// denominator. Nothing is implied, since nothing is jumped over. An exclusion of a step ends the attempt while that step
// is the last one done. Of steps with one and the same action each needs an event of its own.

// anyStep counts the event's step if it was not done yet.
func (a *attempt) anyStep(c candidate) bool {
	if a.did&(1<<(c.step-1)) != 0 {
		return false
	}
	a.m.Level++
	return true
}
