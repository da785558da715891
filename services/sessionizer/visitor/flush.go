package visitor

import (
	"cmp"
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
		m, err := f.watermark(w)
		if err != nil {
			return nil, err
		}
		out, f.emittedW = append(out, m), w
	}
	return out, nil
}

func (f *Fold) watermark(w int64) (Message, error) {
	mark, persons := f.entries.marks(f.clock.MinFloor())
	return message(nil, &pb.Record{Kind: pb.Kind_KIND_WATERMARK, IngestTs: f.last.ingestTS, Flags: f.last.flags,
		Source: f.source(f.last.offset), Body: &pb.Record_Watermark{Watermark: &pb.Watermark{W: w, F: mark, Fp: persons}}})
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
	built := map[*visitor][]*pb.Session{}
	out := make([]Message, 0, len(list)+2)
	for _, t := range list {
		v := t.visitor
		all, ok := built[v]
		if !ok {
			all = session.All(v.id, v.state, v.runs, v.store.config)
			built[v] = all
		}
		rec := &pb.Record{Store: f.name(v), IngestTs: t.ingestTS, Flags: t.flags, Source: f.source(t.offset)}
		at := slices.IndexFunc(v.runs, func(r session.Run) bool { return r.ID == t.id })
		if at >= 0 {
			rec.Kind, rec.Body = pb.Kind_KIND_SESSION, &pb.Record_Session{Session: all[at]}
		} else {
			rec.Kind, rec.Body = pb.Kind_KIND_TOMBSTONE, &pb.Record_Tombstone{Tombstone: &pb.Tombstone{
				SessionId: t.id[:], Visitor: v.id, CreatedDay: t.day}}
		}
		m, err := message(t.id[:], rec)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func message(key []byte, rec *pb.Record) (Message, error) {
	b, err := rec.MarshalVT()
	if err != nil {
		return Message{}, fmt.Errorf("encode %s: %w", rec.Kind, err)
	}
	return Message{Key: key, Value: b}, nil
}
