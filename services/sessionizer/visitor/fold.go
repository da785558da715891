// Package visitor is the sessionizer's first stage: a deterministic fold of one partition of events into sessions.
//
// It has no clock and no I/O of its own: what it emits depends on the log prefix alone (design §3, C1).
package visitor

import (
	"fmt"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/session"
	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
)

// FlagDriven marks records of a driven clock in an envelope's flags.
const FlagDriven = 1

// Message is one output record for the sessions partition with the fold's own number.
type Message struct{ Key, Value []byte }

// Fold holds one partition's visitors, decoded. It implements stream.Fold.
type Fold struct {
	generation uint8
	partition  uint32

	clock    *event.Clock
	stores   map[string]*store
	visitors map[string]*visitor // by event.Key
	due      dueHeap
	entries  entries

	last      position // of the last applied record
	emittedW  int64    // W of the last watermark record
	touched   map[event.ID]*touch
	dirty     map[string]*visitor
	configs   []*pb.Record // to forward with the next flush
	clockMark int64        // maxIngest as saved
	stats     Stats
}

// Stats count what the fold did since it was opened.
type Stats struct{ Events, Late, Duplicates, Skipped uint64 }

type position struct {
	offset   int64
	ingestTS int64
	flags    uint32
}

type store struct {
	file    stores.File
	config  session.Config
	record  *pb.Record
	changed bool
}

type visitor struct {
	key, id   string
	store     *store
	state     *pb.VisitorState
	runs      []session.Run
	starts    []int64 // entry bucket of each run, as counted in entries
	scheduled int64   // W at which the heap will look at it; 0 = not at all
}

// touch is a session key that changed since the last commit, by its last record.
type touch struct {
	position
	visitor *visitor
	id      event.ID
	day     int32
}

// NewFold is the fold of an empty log.
func NewFold(generation uint8, partition uint32) *Fold {
	return &Fold{generation: generation, partition: partition, clock: event.NewClock(), stores: map[string]*store{},
		visitors: map[string]*visitor{}, entries: newEntries(), last: position{offset: -1}, emittedW: event.Unseen,
		touched: map[event.ID]*touch{}, dirty: map[string]*visitor{}, clockMark: event.Unseen}
}

// Stats counted so far.
func (f *Fold) Stats() Stats { return f.stats }

// Watermark of the partition, Unix milliseconds.
func (f *Fold) Watermark() int64 { return f.clock.Watermark() }

// Apply folds one record of events. A record that cannot be decoded is skipped and counted: it changes nothing,
// for every replay alike.
func (f *Fold) Apply(r stream.Record) error {
	rec := &pb.Record{}
	if err := rec.UnmarshalVT(r.Value); err != nil {
		f.stats.Skipped++
		f.last.offset = r.Offset
		return nil
	}
	f.last = position{offset: r.Offset, ingestTS: rec.IngestTs, flags: rec.Flags}
	f.clock.Observe(rec.IngestTs, r.AppendTime, rec.Flags&FlagDriven != 0)
	switch rec.Kind {
	case pb.Kind_KIND_CONFIG:
		return f.applyConfig(rec)
	case pb.Kind_KIND_EVENT:
		e := rec.GetEvent()
		s := f.stores[rec.Store]
		if s == nil || e == nil || e.Visitor == "" || !e.Interactive {
			f.stats.Skipped++
			return nil
		}
		ts, flags := event.Clamp(e.EventTs, rec.IngestTs, r.AppendTime, rec.Flags&FlagDriven != 0)
		e.EventTs, e.Flags = ts, e.Flags|flags
		f.applyEvent(rec.Store, s, e)
	}
	return nil
}

func (f *Fold) applyConfig(rec *pb.Record) error {
	if s := f.stores[rec.Store]; s != nil && s.record.GetConfig().GetConfigId() == rec.GetConfig().GetConfigId() {
		return nil
	}
	if err := f.setConfig(rec); err != nil {
		return fmt.Errorf("config of store %s: %w", rec.Store, err)
	}
	f.stores[rec.Store].changed = true
	fwd := rec.CloneVT()
	fwd.Source = f.source(f.last.offset)
	f.configs = append(f.configs, fwd)
	return nil
}

// setConfig keeps the *store of a known store, since its visitors point to it.
func (f *Fold) setConfig(rec *pb.Record) error {
	file, err := stores.Parse(rec.GetConfig().GetFile())
	if err != nil {
		return err
	}
	s := f.stores[rec.Store]
	if s == nil {
		s = &store{}
		f.stores[rec.Store] = s
	}
	s.file, s.record = file, rec
	s.config = session.Config{Gap: file.Meaning.SessionGap.Millis(), Lateness: file.Meaning.Lateness.Millis(),
		LinkHorizon: file.Meaning.LinkHorizon.Millis()}
	f.clock.SetLateness(rec.Store, s.config.Lateness)
	return nil
}

func (f *Fold) applyEvent(storeName string, s *store, e *pb.Event) {
	if f.clock.Late(storeName, e.EventTs) {
		f.stats.Late++
		return
	}
	v := f.visitor(storeName, s, e.Visitor)
	if _, seen := session.Seen(v.state, e.EventId, f.clock.Watermark(), s.config); seen {
		f.stats.Duplicates++
		return
	}
	f.stats.Events++
	session.Remember(v.state, e.EventId, e.PayloadHash, f.last.ingestTS)
	f.insert(v, f.stored(s, e))
	f.dirty[v.key] = v
	f.schedule(v)
}

func (f *Fold) visitor(storeName string, s *store, id string) *visitor {
	key := string(event.Key(storeName, id, ""))
	v := f.visitors[key]
	if v == nil {
		v = &visitor{key: key, id: id, store: s, state: &pb.VisitorState{}}
		f.visitors[key] = v
	}
	return v
}

// stored is what is kept of an event. Money in another currency than the store's is counted without its value.
func (f *Fold) stored(s *store, e *pb.Event) *pb.StoredEvent {
	out := &pb.StoredEvent{Offset: f.last.offset, IngestTs: f.last.ingestTS, EventId: e.EventId, EventTs: e.EventTs,
		Sequence: e.Sequence, User: e.User, Action: e.Action, Entry: e.Entry, Product: e.Product, OrderId: e.OrderId, Flags: e.Flags}
	if m := e.Money; m != nil && m.Minor != 0 {
		if m.Currency == s.file.Meaning.Currency {
			out.ValueMinor = m.Minor
		} else {
			out.Flags |= event.FlagCurrency
		}
	}
	return out
}

// insert puts the event into the visitor's set and notes every session key that this changes.
func (f *Fold) insert(v *visitor, e *pb.StoredEvent) {
	before := len(v.runs)
	if runs, ok := session.Append(f.name(v), v.id, v.state, v.runs, e, v.store.config); ok {
		v.runs = runs
		if len(runs) > before {
			v.starts = append(v.starts, f.entries.add(e.EventTs))
		}
		f.touch(v, runs[len(runs)-1].ID, runs[len(runs)-1].Day())
		return
	}
	old := session.All(v.id, v.state, v.runs, v.store.config)
	session.Insert(v.state, e)
	v.runs = session.Runs(f.name(v), v.id, v.state.Events, v.store.config)
	f.touchDiff(v, old, session.All(v.id, v.state, v.runs, v.store.config))
	f.recount(v)
}

// name of the visitor's store.
func (f *Fold) name(v *visitor) string { return v.store.record.Store }

// touchDiff notes the sessions that are new, gone or different.
func (f *Fold) touchDiff(v *visitor, before, after []*pb.Session) {
	old := map[event.ID]*pb.Session{}
	for _, s := range before {
		old[event.IDOf(s.SessionId)] = s
	}
	for _, s := range after {
		id := event.IDOf(s.SessionId)
		if o := old[id]; o == nil || !o.EqualVT(s) {
			f.touch(v, id, s.CreatedDay)
		}
		delete(old, id)
	}
	for id, s := range old {
		f.touch(v, id, s.CreatedDay) // into a map: the order does not show
	}
}

func (f *Fold) touch(v *visitor, id event.ID, day int32) {
	f.touched[id] = &touch{position: f.last, visitor: v, id: id, day: day}
}

// recount replaces the visitor's share of the entry buckets.
func (f *Fold) recount(v *visitor) {
	for _, b := range v.starts {
		f.entries.remove(b)
	}
	v.starts = v.starts[:0]
	for _, r := range v.runs {
		v.starts = append(v.starts, f.entries.add(v.state.Events[r.From].EventTs))
	}
}

func (f *Fold) source(offset int64) *pb.Source {
	return &pb.Source{Generation: uint32(f.generation), Partition: f.partition, Offset: offset}
}
