package cells

import (
	"github.com/tributary-data/tributary/pkg/funnel"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
	"github.com/tributary-data/tributary/services/internal/recount"
)

// store is what the fold knows of one store.
type store struct {
	line    stores.Timeline
	funnels map[string][]*funnel.Definition // by config id
	records []*pb.Record                    // by order of arrival
	saved   int                             // of records
}

// setConfig takes a setting; an id that is known already changes nothing.
func (f *Fold) setConfig(rec *pb.Record) error {
	s, c := f.stores[rec.Store], rec.GetConfig()
	if s == nil {
		s = &store{funnels: map[string][]*funnel.Definition{}}
	}
	added, err := s.line.Add(c.GetConfigId(), c.GetEffectiveFrom(), c.GetFile())
	if err != nil || !added {
		return err
	}
	f.stores[rec.Store] = s
	s.records = append(s.records, rec)
	for _, set := range s.line {
		if set.ID == c.GetConfigId() {
			s.funnels[set.ID] = recount.Definitions(set.File)
		}
	}
	return nil
}

// funnelsAt are the funnels in force at a time.
func (s *store) funnelsAt(ts int64) []*funnel.Definition { return s.funnels[s.line.At(ts).ID] }

// funnel finds a definition by name and version; nil if no setting has it.
func (s *store) funnel(name string, version uint16) *funnel.Definition {
	for _, set := range s.line {
		for _, d := range s.funnels[set.ID] {
			if d.Name == name && d.Version == version {
				return d
			}
		}
	}
	return nil
}
