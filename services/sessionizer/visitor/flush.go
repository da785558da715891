package visitor

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// watermarkStep is how far W must move before an otherwise empty flush tells of it, in milliseconds.
const watermarkStep = 5_000

// Flush emits every session key touched since the last commit, also one that was born and died in between, then
// the watermark record that ends the lane's batch.
func (f *Fold) Flush() (out Output, err error) {
	if out.Sessions, err = messages(f.configs, func(r *pb.Record) []byte { return []byte(r.Store) }); err != nil {
		return out, err
	}
	if out.Dead, err = messages(f.dead, deadKey); err != nil {
		return out, err
	}
	sessions, err := f.sessions()
	if err != nil {
		return out, err
	}
	out.Sessions = append(out.Sessions, sessions...)
	if err := f.expire(); err != nil {
		return out, err
	}
	if w := f.clock.Watermark(); len(out.Sessions) > 0 || w != event.Unseen && w >= f.emittedW+watermarkStep {
		m, err := f.watermark(w)
		if err != nil {
			return out, err
		}
		out.Sessions, f.emittedW = append(out.Sessions, m), w
	}
	return out, nil
}

func messages(recs []*pb.Record, key func(*pb.Record) []byte) ([]Message, error) {
	var out []Message
	for _, r := range recs {
		m, err := message(key(r), r)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// deadKey of a stage's dead letter is the place that it comes from, so that repeats meet.
func deadKey(r *pb.Record) []byte {
	d := r.GetDeadLetter()
	return fmt.Appendf(nil, "%s/%d/%d", d.Topic, d.Partition, d.Offset)
}

func (f *Fold) watermark(w int64) (Message, error) {
	mark, persons := f.entries.marks(f.clock.MinFloor())
	return message(nil, &pb.Record{Kind: pb.Kind_KIND_WATERMARK, IngestTs: f.last.ingestTS, Flags: f.last.flags,
		Source: f.source(f.last.offset), Body: &pb.Record_Watermark{Watermark: &pb.Watermark{W: w, F: mark, Fp: persons}}})
}

// sessions builds what was touched, in the order of the records that did it.
func (f *Fold) sessions() ([]Message, error) {
	list := make([]touch, 0, len(f.touched))
	for _, t := range f.touched {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b touch) int {
		if a.offset != b.offset {
			return cmp.Compare(a.offset, b.offset)
		}
		return bytes.Compare(a.id[:], b.id[:])
	})
	built := map[*visitor][]*pb.Session{}
	out := make([]Message, 0, len(list)+2)
	src := &pb.Source{Generation: uint32(f.generation), Partition: f.partition}
	rec, body := &pb.Record{Source: src}, &pb.Record_Session{} // encoded at once: one of each will do for all
	for i := range list {
		t := &list[i]
		v := t.visitor
		all, ok := built[v]
		if !ok {
			all = v.All(v.store.rules)
			built[v] = all
		}
		rec.Store, rec.IngestTs, rec.Flags, src.Offset = v.store.name, t.ingestTS, t.flags, t.offset
		at := slices.IndexFunc(all, func(s *pb.Session) bool { return sessionID(s) == t.id })
		if at >= 0 {
			body.Session = all[at]
			rec.Kind, rec.Body = pb.Kind_KIND_SESSION, body
		} else {
			rec.Kind, rec.Body = pb.Kind_KIND_TOMBSTONE, &pb.Record_Tombstone{Tombstone: &pb.Tombstone{
				SessionId: t.id[:], Visitor: v.ID, CreatedDay: t.day}}
		}
		m, err := message(t.id[:], rec)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func sessionID(s *pb.Session) event.ID { return event.IDOf(s.SessionId) }

func message(key []byte, rec *pb.Record) (Message, error) {
	b, err := rec.MarshalVT()
	if err != nil {
		return Message{}, fmt.Errorf("encode %s: %w", rec.Kind, err)
	}
	return Message{Key: key, Value: b}, nil
}
