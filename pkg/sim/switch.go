package sim

import (
	"fmt"
	"math/rand/v2"
)

// leaves draws the beat before which a user who is known by then logs out and somebody else takes over; -1 for none.
func (p *planner) leaves(r *rand.Rand, v *visitor, beats int) int {
	if p.cfg.Clean || v.user == "" || beats < 3 || !chance(r, switchShare) {
		return -1
	}
	return 1 + r.IntN(beats-1)
}

// change logs the user out where the walk says so. Events without a user stay what they were: only the next one to be
// named cuts the session. That is somebody else, or the same user again.
func (w *walk) change(beat int) {
	switch {
	case beat == w.leave && w.v.known:
		w.v.known, w.left = false, true
		if !chance(w.r, .3) {
			w.v.user = fmt.Sprintf("x%06x", w.r.IntN(1<<24))
		}
		if chance(w.r, .5) {
			w.enter()
		}
	case w.left && !w.v.known && chance(w.r, .5):
		w.enter()
	}
}

// enter lets the next user in, with an identify call or without one.
func (w *walk) enter() {
	w.v.known = true
	if chance(w.r, .5) {
		w.identify(w.at - 1) // after the event before, since no pause is shorter
	}
}
