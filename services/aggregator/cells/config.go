package cells

import (
	"github.com/tributary-data/tributary/pkg/funnel"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
)

func (f *Fold) setConfig(rec *pb.Record) error {
	file, err := stores.Parse(rec.GetConfig().GetFile())
	if err != nil {
		return err
	}
	f.stores[rec.Store] = &store{record: rec, funnels: definitions(file)}
	return nil
}

// definitions are a store file's funnels as the matcher wants them.
func definitions(file stores.File) []*funnel.Definition {
	out := make([]*funnel.Definition, len(file.Meaning.Funnels))
	for i, fu := range file.Meaning.Funnels {
		d := &funnel.Definition{Name: fu.Name, Version: fu.Version, Breakdowns: fu.Breakdowns}
		for _, s := range fu.Steps {
			d.Steps = append(d.Steps, funnel.StepDef{Action: s.Action, Optional: s.Optional})
		}
		out[i] = d
	}
	return out
}
