// Package visitor is the sessionizer's first stage: a deterministic fold of one partition of events into sessions.
//
// It has no clock and no I/O of its own: what it emits depends on the log prefix alone (design §3, C1).
package visitor

import (
	"bytes"
	"fmt"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/session"
	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
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
	configs   []*pb.Record // to forward with the next flush
	dead      []*pb.Record // to be written with the next flush
	clockMark int64        // maxIngest as saved
	stats     Stats

	key      []byte // of the visitor in hand, or of what is being saved
	state    []byte // being saved
	texts    texts
	arrivals arrivals
}

// Stats count what the fold did since it was opened.
type Stats struct{ Events, Late, Duplicates, Reused, Skipped uint64 }

type position struct {
	offset   int64
	ingestTS int64
	flags    uint32
}

type visitor struct {
	*session.Visitor
	key       string
	store     *store
	starts    []int64 // entry bucket of each session, as counted in entries
	scheduled int64   // W at which the heap will look at it; 0 = not at all
	dirty     bool    // changed since the last commit
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
	shared := texts{}
	return &Fold{topic: topic, generation: generation, partition: partition, clock: event.NewClock(), stores: map[string]*store{},
		visitors: map[string]*visitor{}, entries: newEntries(), last: position{offset: -1}, emittedW: event.Unseen,
		touched: map[event.ID]touch{}, texts: shared, arrivals: arrivals{texts: shared}, clockMark: event.Unseen}
}

// Stats counted so far.
func (f *Fold) Stats() Stats { return f.stats }

// Watermark of the partition, Unix milliseconds.
func (f *Fold) Watermark() int64 { return f.clock.Watermark() }

// Apply folds one record of events. A record that cannot be decoded goes to dead-letters with its place, and changes
// nothing else, for every replay alike.
func (f *Fold) Apply(r stream.Record) error {
	var in incoming // on the stack: in the heap, every pointer set in it would be the collector's business
	if in.decode(r.Value) {
		if entry, err := f.arrivals.of(in.entry); err == nil {
			f.observe(in.ingestTS, in.flags, r)
			f.take(&in, entry, r)
			return nil
		}
	}
	return f.applyOther(r)
}

// applyOther takes every record that is not an event as usual.
func (f *Fold) applyOther(r stream.Record) error {
	rec := &pb.Record{}
	if err := rec.UnmarshalVT(r.Value); err != nil {
		f.stats.Skipped++
		f.last.offset = r.Offset
		f.bury("", r.Value, event.ReasonUndecodable, "a Protobuf Record")
		return nil
	}
	f.observe(rec.IngestTs, rec.Flags, r)
	switch {
	case rec.Kind == pb.Kind_KIND_CONFIG:
		return f.applyConfig(rec)
	case rec.Kind == pb.Kind_KIND_EVENT && rec.GetEvent() == nil:
		f.stats.Skipped++
	case rec.Kind == pb.Kind_KIND_EVENT:
		var in incoming
		if err := in.read(rec); err != nil {
			return fmt.Errorf("encode an entry: %w", err)
		}
		f.take(&in, rec.GetEvent().Entry, r)
	}
	return nil
}

func (f *Fold) observe(ingestTS int64, flags uint32, r stream.Record) {
	f.last = position{offset: r.Offset, ingestTS: ingestTS, flags: flags}
	f.clock.Observe(ingestTS, r.AppendTime, flags&event.EnvelopeDriven != 0)
}

// take takes the first record of an id, whether it is late or not; a late one touches no session. An event without
// a visitor is its person's business, but that its id came is remembered here.
func (f *Fold) take(in *incoming, entry *pb.Entry, r stream.Record) {
	s := f.stores[string(in.store)]
	if s == nil {
		f.stats.Skipped++
		return
	}
	ts, flags := event.Clamp(in.ts, in.ingestTS, r.AppendTime, in.flags&event.EnvelopeDriven != 0)
	in.ts, in.eventFlags = ts, in.eventFlags|flags
	v, id := f.visitor(s, in), event.IDOf(in.id)
	if hash, seen := v.Seen(id, f.clock.Watermark(), s.rules); seen {
		if hash != in.payload {
			f.stats.Reused++
			f.bury(s.name, r.Value, event.ReasonIDReused, "an id stands for one payload; the first wins")
			return
		}
		f.stats.Duplicates++
		return
	}
	v.Remember(id, in.payload, in.ingestTS, s.rules)
	f.soil(v)
	switch {
	case f.clock.Late(s.name, ts):
		f.stats.Late++
	case len(in.visitor) > 0:
		f.stats.Events++
		f.insert(v, f.stored(s, in, id, entry), in.interactive)
	}
	f.schedule(v)
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

// visitor of an event; one without a visitor has a place of its user's, of which only the ids are used.
func (f *Fold) visitor(s *store, in *incoming) *visitor {
	f.key = event.AppendKey(f.key[:0], s.name, in.visitor, in.user)
	v := f.visitors[string(f.key)]
	if v == nil {
		key := string(f.key)
		v = &visitor{key: key, store: s, Visitor: session.NewVisitor(s.name, key[len(s.name)+1:], &session.State{}, s.rules)}
		f.visitors[key] = v
	}
	return v
}

// stored is what is kept of an event. Money in a currency without a rate is counted without its value.
func (f *Fold) stored(s *store, in *incoming, id event.ID, entry *pb.Entry) *pb.StoredEvent {
	out := session.NewEvent(id)
	out.Offset, out.IngestTs, out.EventTs, out.Sequence, out.Flags = f.last.offset, in.ingestTS, in.ts, in.sequence, in.eventFlags
	out.Action, out.Product, out.Entry = f.texts.of(in.action), f.texts.of(in.product), entry
	out.User, out.EmailHash, out.OrderId = string(in.user), string(in.email), string(in.order)
	out.CartToken, out.CheckoutToken = string(in.cart), string(in.checkout)
	if in.minor == 0 {
		return out // nothing is nothing in every currency
	}
	set, currency := s.line.At(in.ts), f.texts.of(in.currency)
	rate, rated := set.Rate(currency, in.ts)
	value, known := event.ToBase(in.minor, currency, set.File.Meaning.Currency, rate, rated)
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
	for id, s := range old {
		f.touch(v, id, s.CreatedDay) // into a map: the order does not show
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
