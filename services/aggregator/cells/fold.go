// Package cells folds one partition of sessions into session rows and absolute funnel cells.
//
// A unit's last contribution is kept until it is final; a changed unit takes the old one off and puts the new one on,
// so a cell is at all times the sum over the units as the log's prefix knows them.
package cells

import (
	"fmt"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/funnel"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/schemas"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/aggregator/table"
	"github.com/tributary-data/tributary/services/internal/gaps"
)

// Fold of one partition. It implements stream.Fold.
type Fold struct {
	epoch      uint16
	generation uint8
	partition  uint16

	stores  map[string]*store
	units   map[event.ID]*unit
	cells   map[funnel.Key]*cell
	sources map[sourceKey]*pb.SourceState
	last    int64 // offset of the last applied record

	sessions     map[event.ID][]any // the row of each session touched since the last commit
	touchedCells map[funnel.Key]bool
	dirtyUnits   map[event.ID]bool
	dirtySources map[sourceKey]bool
	gap          gaps.Open
	gaps         [][]any // rows of gaps told since the last commit
	buried       [][]any // rows of records that the fold failed on, since the last commit
	stats        Stats
}

// Stats count what the fold did since it was opened.
type Stats struct {
	// Sessions applied, records dropped as repeats, records skipped because they could not be decoded.
	Sessions, Repeats, Skipped uint64
}

// unit is the last contribution of one session.
type unit struct {
	version event.Version
	dead    bool // a tombstone, remembered until a watermark has passed it
	entry   int64
	source  sourceKey
	store   string
	shares  []share
}

// share is what a unit counts for in one funnel.
type share struct {
	funnel *funnel.Definition
	funnel.Unit
}

type cell struct {
	funnel.Cell
	version event.Version
}

// sourceKey names a source partition of a lane.
type sourceKey struct{ generation, partition uint32 }

// New is the fold of an empty log; its rows carry the epoch.
func New(epoch uint16, generation uint8, partition uint16) *Fold {
	return &Fold{epoch: epoch, generation: generation, partition: partition, stores: map[string]*store{}, units: map[event.ID]*unit{},
		cells: map[funnel.Key]*cell{}, sources: map[sourceKey]*pb.SourceState{}, last: -1, sessions: map[event.ID][]any{},
		touchedCells: map[funnel.Key]bool{}, dirtyUnits: map[event.ID]bool{}, dirtySources: map[sourceKey]bool{}}
}

// Stats counted so far.
func (f *Fold) Stats() Stats { return f.stats }

// Apply folds one record of sessions.
func (f *Fold) Apply(r stream.Record) error {
	f.last = r.Offset
	rec := &pb.Record{}
	if err := rec.UnmarshalVT(r.Value); err != nil || rec.Source == nil {
		f.stats.Skipped++
		return stream.ErrPoison
	}
	switch rec.Kind {
	case pb.Kind_KIND_CONFIG:
		if err := f.setConfig(rec); err != nil {
			return fmt.Errorf("config of store %s: %w", rec.Store, err)
		}
	case pb.Kind_KIND_GAP:
		if g := rec.GetGap(); g != nil {
			f.gaps = append(f.gaps, table.Gap(f.epoch, table.StageVisitor, uint8(rec.Source.Generation), uint16(rec.Source.Partition), event.NewVersion(f.generation, f.last), g))
		}
	case pb.Kind_KIND_WATERMARK:
		f.applyWatermark(rec)
		if g := f.gap.End(rec.GetWatermark().GetW()); g != nil {
			f.gaps = append(f.gaps, table.Gap(f.epoch, table.StageSessions, f.generation, f.partition, event.NewVersion(f.generation, f.last), g))
		}
	case pb.Kind_KIND_SESSION:
		s := rec.GetSession()
		f.applyUnit(rec, event.IDOf(s.GetSessionId()), s)
	case pb.Kind_KIND_TOMBSTONE:
		f.applyUnit(rec, event.IDOf(rec.GetTombstone().GetSessionId()), nil)
	}
	return nil
}

// Bury passes over a record that the fold failed on: its row among the dead letters says where it is.
func (f *Fold) Bury(r stream.Record, why string) {
	f.last = r.Offset
	f.stats.Skipped++
	f.buried = append(f.buried, table.Buried(schemas.TopicSessions(f.generation, f.epoch), f.generation, f.partition, 0, r, why))
}

// Gap passes over records that are gone.
func (f *Fold) Gap(from, to int64) {
	_, mark := f.marks()
	f.last = to - 1
	f.gap.Begin(from, to, mark)
}

func keyOf(s *pb.Source) sourceKey { return sourceKey{s.Generation, s.Partition} }

// applyWatermark keeps the highest watermark record of each source.
func (f *Fold) applyWatermark(rec *pb.Record) {
	k, m := keyOf(rec.Source), rec.GetWatermark()
	if s := f.sources[k]; s != nil && rec.Source.Offset <= s.Offset {
		return
	}
	f.sources[k] = &pb.SourceState{Generation: k.generation, Partition: k.partition, Offset: rec.Source.Offset, W: m.GetW(), F: m.GetF()}
	f.dirtySources[k] = true
}

// applyUnit replaces a session's contribution; s is nil for a tombstone.
func (f *Fold) applyUnit(rec *pb.Record, id event.ID, s *pb.Session) {
	k := keyOf(rec.Source)
	version := event.NewVersion(uint8(rec.Source.Generation), rec.Source.Offset)
	old := f.units[id]
	if f.repeated(k, rec.Source.Offset) || old != nil && version <= old.version {
		f.stats.Repeats++
		return
	}
	f.stats.Sessions++
	u := &unit{version: version, dead: s == nil, source: k, store: rec.Store}
	if s != nil {
		u.entry = s.StartedAt
		u.shares = f.shares(rec.Store, s)
	}
	if old != nil {
		f.count(old, -1)
	}
	f.count(u, 1)
	f.units[id] = u
	f.dirtyUnits[id] = true
	f.sessions[id] = f.sessionRow(rec, id, s)
}

// repeated is the repeat rule: everything up to the highest watermark record of a source was delivered before it.
func (f *Fold) repeated(k sourceKey, offset int64) bool {
	s := f.sources[k]
	return s != nil && offset <= s.Offset
}

// shares of a session in the funnels that its entry's time has in force.
func (f *Fold) shares(storeName string, s *pb.Session) (out []share) {
	st := f.stores[storeName]
	if st == nil {
		return nil
	}
	for _, d := range st.funnelsAt(s.StartedAt) {
		if u, ok := d.Unit(s); ok {
			out = append(out, share{d, u})
		}
	}
	return out
}

// count changes cells by sign times a unit. Their version is the place in the log that this fold reads.
func (f *Fold) count(u *unit, sign int64) {
	for i := range u.shares {
		s := &u.shares[i]
		s.funnel.Each(u.store, &s.Unit, func(k funnel.Key, part funnel.Share) {
			at := f.cells[k]
			if at == nil {
				at = &cell{}
				f.cells[k] = at
			}
			at.Add(part, len(s.funnel.Steps), sign)
			at.version = event.NewVersion(f.generation, f.last)
			f.touchedCells[k] = true
		})
	}
}
