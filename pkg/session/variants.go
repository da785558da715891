package session

import (
	"maps"
	"slices"

	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// MixedVariant stands for an experiment of which a session saw two variations: it belongs to neither.
const MixedVariant = "(mixed)"

// maxExperiments that a session keeps, the smallest names.
const maxExperiments = 8

// variants are what the session's events say of experiments, by experiment. An experiment is often viewed by the second
// event of a session, so these are a function of all its kept events and not of the first one alone, and of the set of
// them: an experiment has the variation of its smallest event, and where that is not the only one, MixedVariant.
func variants(events []*pb.StoredEvent) map[string]string {
	var out map[string]string
	for _, e := range events {
		for experiment, variation := range e.GetEntry().GetVariants() { // any order: each for itself
			if out == nil {
				out = map[string]string{}
			}
			if had, ok := out[experiment]; ok && had != variation {
				variation = MixedVariant
			}
			out[experiment] = variation
		}
	}
	if len(out) > maxExperiments {
		for _, experiment := range slices.Sorted(maps.Keys(out))[maxExperiments:] {
			delete(out, experiment)
		}
	}
	return out
}
