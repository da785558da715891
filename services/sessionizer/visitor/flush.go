package visitor

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/session"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// watermarkStep is how far W must move before an otherwise empty flush tells of it, in milliseconds.
const watermarkStep = 5_000

// Flush emits every session key touched since the last commit, also one that was born and died in between, then
// the watermark record that ends the lane's batch.
func (f *Fold) Flush() ([]Message, error) {
	var out []Message
	for _, c := range f.configs {
		m, err := message([]byte(c.Store), c)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	sessions, err := f.sessions()
	if err != nil {
		return nil, err
	}
	out = append(out, sessions...)
	f.expire()
	if w := f.clock.Watermark(); len(out) > 0 || w != event.Unseen && w >= f.emittedW+watermarkStep {
		mark := f.mark()
		m, err := message(nil, &pb.Record{Kind: pb.Kind_KIND_WATERMARK, IngestTs: f.last.ingestTS, Flags: f.last.flags,
			Source: f.source(f.last.offset), Body: &pb.Record_Watermark{Watermark: &pb.Watermark{W: w, F: mark, Fp: mark}}})
		if err != nil {
			return nil, err
		}
		out, f.emittedW = append(out, m), w
	}
	return out, nil
}

// mark is F: the least of the floors and of the entries that are not final. No login may link back yet (N = 0), so
// FP is the same.
func (f *Fold) mark() int64 {
	least := f.clock.MinFloor()
	for b := range f.starts {
		least = min(least, b)
	}
	return least
}

// sessions builds what was touched, in the order of the records that did it.
func (f *Fold) sessions() ([]Message, error) {
	list := make([]*touch, 0, len(f.touched))
	for _, t := range f.touched {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *touch) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), slices.Compare(a.id[:], b.id[:]))
	})
	built := map[*visitor]map[event.ID]*pb.Session{}
	out := make([]Message, 0, len(list)+2)
	for _, t := range list {
		live, ok := built[t.visitor]
		if !ok {
			live = f.build(t.visitor)
			built[t.visitor] = live
		}
		rec := &pb.Record{Store: t.visitor.store, IngestTs: t.ingestTS, Flags: t.flags, Source: f.source(t.offset)}
		if s := live[t.id]; s != nil {
			rec.Kind, rec.Body = pb.Kind_KIND_SESSION, &pb.Record_Session{Session: s}
		} else {
			rec.Kind, rec.Body = pb.Kind_KIND_TOMBSTONE, &pb.Record_Tombstone{Tombstone: &pb.Tombstone{
				SessionId: t.id[:], Visitor: t.visitor.id, CreatedDay: t.day}}
		}
		m, err := message(t.id[:], rec)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func (f *Fold) build(v *visitor) map[event.ID]*pb.Session {
	live := map[event.ID]*pb.Session{}
	for _, s := range session.All(v.store, v.id, v.state, f.stores[v.store].config) {
		live[event.IDOf(s.SessionId)] = s
	}
	return live
}

func message(key []byte, rec *pb.Record) (Message, error) {
	b, err := rec.MarshalVT()
	if err != nil {
		return Message{}, fmt.Errorf("encode %s: %w", rec.Kind, err)
	}
	return Message{Key: key, Value: b}, nil
}

// schedule makes sure that the visitor is looked at when something of it may expire.
func (f *Fold) schedule(v *visitor, c session.Config) {
	due := session.Due(v.state, c)
	if v.scheduled != 0 && v.scheduled <= due {
		return
	}
	v.scheduled = due
	heap.Push(&f.due, dueEntry{at: due, visitor: v})
}

// expire drops what is final from every visitor that is due at W.
func (f *Fold) expire() {
	w := f.clock.Watermark()
	for len(f.due) > 0 && f.due[0].at < w {
		e := heap.Pop(&f.due).(dueEntry)
		v := e.visitor
		if v.scheduled != e.at {
			continue // scheduled anew since
		}
		v.scheduled = 0
		c := f.stores[v.store].config
		empty := session.Expire(v.store, v.id, v.state, f.clock.Floor(v.store), w, c)
		f.dirty[v.key] = v
		f.recount(v, session.All(v.store, v.id, v.state, c))
		if empty {
			delete(f.visitors, v.key)
			continue
		}
		f.schedule(v, c)
	}
}

type dueEntry struct {
	at      int64
	visitor *visitor
}

// dueHeap is a heap by W.
type dueHeap []dueEntry

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push and Pop are container/heap's.
func (h *dueHeap) Push(x any) { *h = append(*h, x.(dueEntry)) }

// Pop removes the last element.
func (h *dueHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}
