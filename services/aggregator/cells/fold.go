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
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// windowSeconds of a cell.
const windowSeconds = 900

// Fold of one partition. It implements stream.Fold.
type Fold struct {
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
	shares  []funnel.Contribution
}

type cell struct {
	funnel.Cell
	version event.Version
}

// sourceKey names a source partition of a lane.
type sourceKey struct{ generation, partition uint32 }

type store struct {
	record  *pb.Record
	funnels []*funnel.Definition
	changed bool
}

// New is the fold of an empty log.
func New(generation uint8, partition uint16) *Fold {
	return &Fold{generation: generation, partition: partition, stores: map[string]*store{}, units: map[event.ID]*unit{},
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
		return nil
	}
	switch rec.Kind {
	case pb.Kind_KIND_CONFIG:
		return f.applyConfig(rec)
	case pb.Kind_KIND_WATERMARK:
		f.applyWatermark(rec)
	case pb.Kind_KIND_SESSION:
		s := rec.GetSession()
		f.applyUnit(rec, event.IDOf(s.GetSessionId()), s)
	case pb.Kind_KIND_TOMBSTONE:
		f.applyUnit(rec, event.IDOf(rec.GetTombstone().GetSessionId()), nil)
	}
	return nil
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
	u := &unit{version: version, dead: s == nil, source: k}
	if s != nil {
		u.entry = s.StartedAt
		u.shares = f.contributions(rec.Store, s)
	}
	if old != nil {
		f.add(old.shares, -1)
	}
	f.add(u.shares, 1)
	f.units[id] = u
	f.dirtyUnits[id] = true
	f.sessions[id] = f.sessionRow(rec, id, s)
}

// repeated is the repeat rule: everything up to the highest watermark record of a source was delivered before it.
func (f *Fold) repeated(k sourceKey, offset int64) bool {
	s := f.sources[k]
	return s != nil && offset <= s.Offset
}

func (f *Fold) contributions(storeName string, s *pb.Session) (out []funnel.Contribution) {
	st := f.stores[storeName]
	if st == nil {
		return nil
	}
	for _, d := range st.funnels {
		out = append(out, funnel.Contributions(d, storeName, s, windowSeconds)...)
	}
	return out
}

// add changes cells by sign times the shares. Their version is the place in the log that this fold reads.
func (f *Fold) add(shares []funnel.Contribution, sign int64) {
	for _, c := range shares {
		at := f.cells[c.Key]
		if at == nil {
			at = &cell{}
			f.cells[c.Key] = at
		}
		at.Add(c, f.steps(c.Key), sign)
		at.version = event.NewVersion(f.generation, f.last)
		f.touchedCells[c.Key] = true
	}
}

// steps is the number of steps of a cell's funnel.
func (f *Fold) steps(k funnel.Key) int {
	for _, d := range f.stores[k.Store].funnels {
		if d.Name == k.Funnel && d.Version == k.Version {
			return len(d.Steps)
		}
	}
	return 0
}

func (f *Fold) applyConfig(rec *pb.Record) error {
	if s := f.stores[rec.Store]; s != nil && s.record.GetConfig().GetConfigId() == rec.GetConfig().GetConfigId() {
		return nil
	}
	if err := f.setConfig(rec); err != nil {
		return fmt.Errorf("config of store %s: %w", rec.Store, err)
	}
	f.stores[rec.Store].changed = true
	return nil
}
