// Package recount computes cells again from session rows, with the same pure matcher as the stream: for earlier versions of a funnel
// (backfill), and to check what is stored (reconcile).
package recount

import (
	"github.com/tributary-data/tributary/pkg/funnel"
	"github.com/tributary-data/tributary/schemas/stores"
)

// Definitions are a store file's funnels as the matcher wants them.
func Definitions(file stores.File) []*funnel.Definition {
	out := make([]*funnel.Definition, len(file.Meaning.Funnels))
	for i, fu := range file.Meaning.Funnels {
		d := &funnel.Definition{Name: fu.Name, Version: fu.Version, Breakdowns: fu.Breakdowns, Allow: fu.Allow, Hold: fu.Hold,
			AnyOrder: fu.Order == stores.OrderAny}
		for _, s := range fu.Steps {
			d.Steps = append(d.Steps, funnel.StepDef{Action: s.Action, Optional: s.Optional, Excludes: s.Exclude})
		}
		out[i] = d
	}
	return out
}
