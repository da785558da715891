// Package visitor is the sessionizer's first stage: a deterministic fold of one partition of events into sessions.
//
// It has no clock and no I/O of its own: what it emits depends on the log prefix alone (design §3, C1).
package visitor

import (
	"bytes"
	"strings"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/session"
	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/internal/gaps"
	"github.com/tributary-data/tributary/services/internal/records"
)

// Message is one output record.
type Message struct{ Key, Value []byte }

// Output of a flush.
type Output struct {
	// Sessions go to the sessions partition with the fold's own number: configs, sessions and tombstones, a watermark.
	Sessions []Message
	// Dead go to dead-letters, by key.
	Dead []Message
}

// Fold holds one partition's visitors, decoded. It implements stream.Fold.
type Fold struct {
	topic      string
	generation uint8
	partition  uint32

	clock    *event.Clock
	stores   map[string]*store
	visitors map[string]*visitor // by event.Key
	due      dueHeap
	entries  entries

	last      position // of the last applied record
	emittedW  int64    // W of the last watermark record
	touched   map[event.ID]touch
	dirty     []*visitor
	configs   []*pb.Record // and gaps: to tell first in the next flush
	gap       gaps.Open
	dead      []*pb.Record // to be written with the next flush
	clockMark int64        // maxIngest as saved
	stats     Stats

	records records.Reader
	texts   texts
	key     []byte // of the visitor in hand, or of what is being saved
	state   []byte // being saved
}

// Stats count what the fold did since it was opened.
type Stats struct{ Events, Late, Duplicates, Reused, Skipped uint64 }

type position struct {
	offset   int64
	ingestTS int64
	flags    uint32
}

type visitor struct {
	*session.Visitor        // nil while it sleeps: wake it before
	asleep           string // its state as it was stored (session.Restore), until somebody needs it
	key              string
	store            *store
	starts           []int64 // entry bucket of each session, as counted in entries
	due              int64   // W at which something of it expires
	scheduled        int64   // W at which the heap will look at it; 0 = not at all
	dirty            bool    // changed since the last commit
}

// touch is a session key that changed since the last commit, by its last record.
type touch struct {
	position
	visitor *visitor
	id      event.ID
	day     int32
}

// NewFold is the fold of an empty log, of a partition of topic.
func NewFold(topic string, generation uint8, partition uint32) *Fold {
	return &Fold{topic: topic, generation: generation, partition: partition, clock: event.NewClock(), stores: map[string]*store{},
		visitors: map[string]*visitor{}, entries: newEntries(), last: position{offset: -1}, emittedW: event.Unseen,
		touched: map[event.ID]touch{}, texts: texts{table: map[string]string{}}, clockMark: event.Unseen}
}

// Stats counted so far.
func (f *Fold) Stats() Stats { return f.stats }

// Watermark of the partition, Unix milliseconds.
func (f *Fold) Watermark() int64 { return f.clock.Watermark() }

// Apply folds one record of events. A record that cannot be decoded goes to dead-letters with its place, and changes
// nothing else, for every replay alike.
func (f *Fold) Apply(r stream.Record) error {
	rec, err := f.records.Read(r.Value)
	if err != nil {
		f.stats.Skipped++
		f.last.offset = r.Offset
		f.bury("", r.Value, event.ReasonUndecodable, "a Protobuf Record")
		return stream.ErrPoison
	}
	f.last = position{offset: r.Offset, ingestTS: rec.IngestTs, flags: rec.Flags}
	driven := rec.Flags&event.EnvelopeDriven != 0
	f.clock.Observe(rec.IngestTs, r.AppendTime, driven)
	if g := f.gap.End(rec.IngestTs); g != nil {
		f.configs = append(f.configs, &pb.Record{Kind: pb.Kind_KIND_GAP, IngestTs: rec.IngestTs, Flags: rec.Flags, Source: f.source(r.Offset),
			Body: &pb.Record_Gap{Gap: g}})
	}
	switch rec.Kind {
	case pb.Kind_KIND_CONFIG:
		return f.applyConfig(rec)
	case pb.Kind_KIND_EVENT:
		e, s := rec.GetEvent(), f.stores[rec.Store]
		if s == nil || e == nil {
			f.stats.Skipped++
			return nil
		}
		ts, flags := event.Clamp(e.EventTs, rec.IngestTs, r.AppendTime, driven)
		e.EventTs, e.Flags = ts, e.Flags|flags
		return f.applyEvent(s, e, r.Value)
	}
	return nil
}

// applyEvent takes the first record of an id, whether it is late or not; a late one touches no session. An event without
// a visitor is its person's business, but that its id came is remembered here.
func (f *Fold) applyEvent(s *store, e *pb.Event, raw []byte) error {
	v, err := f.visitor(s, e)
	if err != nil {
		return err
	}
	id := event.IDOf(e.EventId)
	if hash, seen := v.Seen(id, f.clock.Watermark(), s.rules); seen {
		if hash != e.PayloadHash {
			f.stats.Reused++
			f.bury(s.name, raw, event.ReasonIDReused, "an id stands for one payload; the first wins")
			return nil
		}
		f.stats.Duplicates++
		return nil
	}
	v.Remember(id, e.PayloadHash, f.last.ingestTS, s.rules)
	f.soil(v)
	switch {
	case f.clock.Late(s.name, e.EventTs):
		f.stats.Late++
	case e.Visitor != "":
		f.stats.Events++
		f.insert(v, f.stored(s, e, id), e.Interactive)
	}
	f.schedule(v)
	return nil
}

// Bury passes over a record that the fold failed on: it goes to dead-letters with its place.
func (f *Fold) Bury(r stream.Record, why string) {
	f.stats.Skipped++
	f.last.offset = r.Offset
	f.bury("", r.Value, event.ReasonFoldPanic, why)
}

// Gap passes over records that are gone. Everything that is not final at this place may lack some of them.
func (f *Fold) Gap(from, to int64) {
	mark, _ := f.entries.marks(f.clock.MinFloor())
	f.last.offset = to - 1
	f.gap.Begin(from, to, mark)
}

// soil notes that the visitor's state changed since the last commit.
func (f *Fold) soil(v *visitor) {
	if !v.dirty {
		v.dirty = true
		f.dirty = append(f.dirty, v)
	}
}

// bury notes a dead letter with the place that it comes from.
func (f *Fold) bury(store string, raw []byte, reason event.Reason, rule string) {
	f.dead = append(f.dead, &pb.Record{Kind: pb.Kind_KIND_DEAD_LETTER, Store: store, IngestTs: f.last.ingestTS, Flags: f.last.flags,
		Source: f.source(f.last.offset), Body: &pb.Record_DeadLetter{DeadLetter: &pb.DeadLetter{Original: bytes.Clone(raw),
			Reason: string(reason), Rule: rule, Topic: f.topic, Partition: f.partition, Offset: f.last.offset}}})
}

// visitor of an event, awake; one without a visitor has a place of its user's, of which only the ids are used.
func (f *Fold) visitor(s *store, e *pb.Event) (*visitor, error) {
	f.key = event.AppendKey(f.key[:0], s.name, e.Visitor, e.User)
	v := f.visitors[string(f.key)]
	if v == nil {
		key := string(f.key)
		v = &visitor{key: key, store: s, Visitor: session.NewVisitor(s.name, key[len(s.name)+1:], &session.State{}, s.rules)}
		f.visitors[key] = v
	}
	return v, f.wake(v)
}

// stored is what is kept of an event, with no text of the record. Money in a currency without a rate is counted without its value.
func (f *Fold) stored(s *store, e *pb.Event, id event.ID) *pb.StoredEvent {
	out := session.NewEvent(id)
	out.Offset, out.IngestTs, out.EventTs, out.Sequence, out.Flags = f.last.offset, f.last.ingestTS, e.EventTs, e.Sequence, e.Flags
	out.Action, out.Product, out.Entry = f.texts.of(e.Action), f.texts.of(e.Product), f.texts.entry(e.Entry)
	out.User, out.EmailHash, out.OrderId = strings.Clone(e.User), strings.Clone(e.EmailHash), strings.Clone(e.OrderId)
	out.CartToken, out.CheckoutToken = strings.Clone(e.CartToken), strings.Clone(e.CheckoutToken)
	minor, currency := e.Money.GetMinor(), e.Money.GetCurrency()
	if minor == 0 {
		return out // nothing is nothing in every currency
	}
	set := s.line.At(e.EventTs)
	rate, rated := set.Rate(currency, e.EventTs)
	value, known := event.ToBase(minor, currency, set.File.Meaning.Currency, rate, rated)
	out.ValueMinor = value
	if !known {
		out.Flags |= event.FlagCurrency
	}
	return out
}

// insert puts the event into the visitor's set and notes every session key that this changes.
func (f *Fold) insert(v *visitor, e *pb.StoredEvent, interactive bool) {
	before := len(v.Sessions)
	if interactive && v.Append(e, v.store.rules) {
		if len(v.Sessions) > before {
			v.starts = append(v.starts, f.entries.add(e.EventTs))
		}
		last := &v.Sessions[len(v.Sessions)-1]
		f.touch(v, last.ID, last.Day())
		return
	}
	old := v.All(v.store.rules)
	if interactive {
		v.Insert(e, v.store.rules)
	} else {
		v.Join(e, v.store.rules)
	}
	f.touchDiff(v, old, v.All(v.store.rules))
	f.recount(v)
}

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
	for id, s := range old { // any order: into a map
		f.touch(v, id, s.CreatedDay)
	}
}

func (f *Fold) touch(v *visitor, id event.ID, day int32) {
	f.touched[id] = touch{position: f.last, visitor: v, id: id, day: day}
}

// recount replaces the visitor's share of the entry buckets.
func (f *Fold) recount(v *visitor) {
	for _, b := range v.starts {
		f.entries.remove(b)
	}
	v.starts = v.starts[:0]
	for _, s := range v.Sessions {
		v.starts = append(v.starts, f.entries.add(s.Started))
	}
}

func (f *Fold) source(offset int64) *pb.Source {
	return &pb.Source{Generation: uint32(f.generation), Partition: f.partition, Offset: offset}
}
