package visitor

import (
	"fmt"

	"github.com/tributary-data/tributary/pkg/session"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
)

// store is what the fold knows of one store: its settings, and the rules that they make.
type store struct {
	name    string
	line    stores.Timeline
	rules   session.Rules
	records []*pb.Record // by order of arrival
	saved   int          // of records
}

// applyConfig takes a store's setting. Where it governs what is there already (it came later than its moment, since
// sending it was interrupted), live visitors are cut anew and their sessions emitted again, under the new meaning.
func (f *Fold) applyConfig(rec *pb.Record) error {
	s := f.stores[rec.Store]
	if s == nil {
		s = &store{name: rec.Store}
	}
	var before map[*visitor][]*pb.Session
	from := rec.GetConfig().GetEffectiveFrom()
	if err := f.wakeAll(s); err != nil {
		return err
	}
	if len(s.line) > 0 {
		before = f.governed(s, from)
	}
	added, err := f.setConfig(s, rec)
	if err != nil {
		return fmt.Errorf("config of store %s: %w", rec.Store, err)
	}
	if !added {
		return nil
	}
	f.stores[rec.Store] = s
	fwd := rec.CloneVT()
	fwd.Source = f.source(f.last.offset)
	f.configs = append(f.configs, fwd)
	f.cutAnew(s, before, from)
	return nil
}

// setConfig adds a setting to the store's, in force from its moment on.
func (f *Fold) setConfig(s *store, rec *pb.Record) (added bool, err error) {
	c := rec.GetConfig()
	added, err = s.line.Add(c.GetConfigId(), c.GetEffectiveFrom(), c.GetFile())
	if err != nil || !added {
		return false, err
	}
	s.records = append(s.records, rec)
	s.rules = s.rules[:0:0]
	for _, set := range s.line {
		m := set.File.Meaning
		r := session.Config{From: set.From, Gap: m.SessionGap.Millis(), Lateness: m.Lateness.Millis(), LinkHorizon: m.LinkHorizon.Millis(),
			Cap: m.SessionCap, Zone: set.Zone}
		for _, on := range m.SplitOn {
			r.SplitCampaign = r.SplitCampaign || on == "campaign"
			r.SplitMidnight = r.SplitMidnight || on == "midnight"
		}
		s.rules = append(s.rules, r)
		if set.ID == c.GetConfigId() {
			f.clock.SetLateness(s.name, set.From, r.Lateness)
		}
	}
	return true, nil
}

// wakeAll wakes all visitors of a store. Settings come rarely.
func (f *Fold) wakeAll(s *store) error {
	for _, v := range f.visitors { // any order: each for itself
		if v.store != s {
			continue
		}
		if err := f.wake(v); err != nil {
			return err
		}
	}
	return nil
}

// governed lists the sessions, as they are now, of the store's visitors that have events at from or later.
func (f *Fold) governed(s *store, from int64) map[*visitor][]*pb.Session {
	out := map[*visitor][]*pb.Session{}
	for _, v := range f.visitors { // any order: into a map
		if n := len(v.Sessions); v.store == s && n > 0 && v.Sessions[n-1].Ended >= from {
			out[v] = v.All(s.rules)
		}
	}
	return out
}

// cutAnew cuts what the new setting governs, and emits every session that began under it. All visitors of the store
// are scheduled again, since a shorter lateness makes things final earlier.
func (f *Fold) cutAnew(s *store, before map[*visitor][]*pb.Session, from int64) {
	for v, old := range before { // any order: touches go into a map, counts add up
		v.Recut(s.rules)
		after := v.All(s.rules)
		f.touchDiff(v, old, after)
		for _, a := range after {
			if a.StartedAt >= from {
				f.touch(v, sessionID(a), a.CreatedDay)
			}
		}
		f.recount(v)
		f.soil(v)
	}
	for _, v := range f.visitors { // any order: the heap sorts
		if v.store == s {
			f.schedule(v)
		}
	}
}
