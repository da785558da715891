package stores

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Orders of a funnel's steps.
const (
	// OrderAny counts the steps after the first in whatever order they are done.
	OrderAny     = "any"
	orderDefault = "in_order"
)

// check what a schema cannot say; at is the funnel's path.
func (fu *Funnel) check(at string) error {
	last := len(fu.Steps) - 1
	for j, st := range fu.Steps {
		if st.Action == "session" && j > 0 {
			return mistake(fmt.Sprintf("%s.steps[%d]", at, j), "session is built in as a first step only")
		}
		if st.Optional && fu.Order == OrderAny {
			return mistake(fmt.Sprintf("%s.steps[%d].optional", at, j), "with order: any no step is jumped over: remove it")
		}
	}
	if fu.Steps[0].Optional || fu.Steps[last].Optional {
		return mistake(at+".steps", "the first and the last step cannot be optional")
	}
	return fu.checkBreakdowns(at)
}

// checkBreakdowns asks for a list of values where there may be any number of them.
func (fu *Funnel) checkBreakdowns(at string) error {
	for j, dims := range fu.Breakdowns {
		for k, dim := range dims {
			if open(dim) && len(fu.Allow[dim]) == 0 {
				return mistake(fmt.Sprintf("%s.breakdowns[%d][%d]", at, j, k),
					"%s can have any number of values, and each would make cells of its own: put those to keep under allow, as %q: [...]; the rest is counted as (other)", dim, dim)
			}
		}
	}
	for _, dim := range slices.Sorted(maps.Keys(fu.Allow)) {
		for k, v := range fu.Allow[dim] {
			if dim == "campaign" && v != strings.ToLower(v) {
				return mistake(fmt.Sprintf("%s.allow.%s[%d]", at, dim, k), "%q: campaigns are compared in small letters: use %q", v, strings.ToLower(v))
			}
		}
	}
	return nil
}

// open tells whether a dimension's values are no closed set: they come from whoever writes a link, a page or an experiment.
func open(dim string) bool {
	return dim == "campaign" || dim == "landing_path" || strings.HasPrefix(dim, "variant:")
}
