package visitor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/state"
	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
	"github.com/tributary-data/tributary/services/sessionizer/visitor"
)

const minute = int64(60_000)

// day0 is a Monday's midnight, Unix milliseconds.
const day0 = int64(1_790_000_000_000) / (24 * 60 * minute) * (24 * 60 * minute)

// logOf numbers records from offset 0; nil is a damaged one.
func logOf(t testing.TB, recs ...*pb.Record) (out []stream.Record) {
	t.Helper()
	for i, r := range recs {
		if r == nil {
			out = append(out, stream.Record{Offset: int64(i), Value: []byte("\xff\xff\xff")})
			continue
		}
		b, err := r.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, stream.Record{Offset: int64(i), AppendTime: r.IngestTs, Value: b})
	}
	return out
}

func config() *pb.Record {
	return &pb.Record{Kind: pb.Kind_KIND_CONFIG, Store: "demo", Body: &pb.Record_Config{Config: &pb.Config{ConfigId: "1", File: stores.Demo()}}}
}

func tick(ts int64) *pb.Record {
	return &pb.Record{Kind: pb.Kind_KIND_TICK, IngestTs: ts, Body: &pb.Record_Tick{Tick: &pb.Tick{}}}
}

// ev is an event of a visitor at ts that arrives at once; its id is its message.
func ev(who string, ts int64, message string) *pb.Record { return evAt(who, ts, ts, message) }

func evAt(who string, ts, ingest int64, message string) *pb.Record {
	id := event.IDFromMessage(message)
	return &pb.Record{Kind: pb.Kind_KIND_EVENT, Store: "demo", IngestTs: ingest, Body: &pb.Record_Event{Event: &pb.Event{
		EventId: id[:], MessageId: message, Visitor: who, Action: "page_viewed", Interactive: true, EventTs: ts,
		Entry: &pb.Entry{Channel: "Email", Device: "mobile"}}}}
}

// source delivers records in batches and then ends.
type source struct{ batches chan stream.Batch }

func newSource(records []stream.Record, from int64, size int) *source {
	s := &source{batches: make(chan stream.Batch, len(records)+1)}
	for i := int(from); i < len(records); i += size {
		end := min(i+size, len(records))
		s.batches <- stream.Batch{Records: records[i:end], Next: int64(end)}
	}
	close(s.batches)
	return s
}

func (s *source) Batches() <-chan stream.Batch { return s.batches }
func (s *source) Err() error                   { return nil }

// topic is what the fold wrote, in order.
type topic struct{ records, dead []*pb.Record }

func (o *topic) Write(_ context.Context, out visitor.Output) (err error) {
	for to, list := range map[*[]*pb.Record][]visitor.Message{&o.records: out.Sessions, &o.dead: out.Dead} {
		for _, m := range list {
			r := &pb.Record{}
			err = errors.Join(err, r.UnmarshalVT(m.Value))
			*to = append(*to, r)
		}
	}
	return err
}

// table resolves the topic as readers do: of each session the highest version, without the tombstones.
func (o *topic) table(t testing.TB) map[event.ID]*pb.Session {
	t.Helper()
	best, live := map[event.ID]*pb.Record{}, map[event.ID]*pb.Session{}
	for _, r := range o.records {
		id := event.IDOf(append(bytes.Clone(r.GetSession().GetSessionId()), r.GetTombstone().GetSessionId()...))
		switch {
		case r.Kind != pb.Kind_KIND_SESSION && r.Kind != pb.Kind_KIND_TOMBSTONE:
		case best[id] == nil || r.Source.Offset > best[id].Source.Offset:
			best[id] = r
		case r.Source.Offset == best[id].Source.Offset && (r.Kind != best[id].Kind || !r.GetSession().EqualVT(best[id].GetSession())):
			t.Errorf("one version of session %s has two values", id)
		}
	}
	for id, r := range best {
		if r.Kind == pb.Kind_KIND_SESSION {
			live[id] = r.GetSession()
		}
	}
	return live
}

// run folds the log with the store in dir until its end, or until fail returns an error.
func run(t testing.TB, dir string, log []stream.Record, out *topic, flush int, fail func(step string) error) error {
	t.Helper()
	st, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	f := visitor.NewFold("events.g0", 0, 3)
	if err := f.Load(st, st.Position().Next); err != nil {
		t.Fatal(err)
	}
	c := stream.Config{FlushEvery: 1 << 62, FlushRecords: flush, FailPoint: fail}
	return stream.NewLoop(c, newSource(log, st.Position().Next, 5), f, out, st).Run(context.Background())
}

// content is the whole store, key by key.
func content(t testing.TB, dir string) (out []string) {
	t.Helper()
	st, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	err = st.Each(nil, func(k, v []byte) error {
		out = append(out, fmt.Sprintf("%q = %x", k, v))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// changed is the demo's store with other settings, in force from a moment on.
func changed(id string, from int64, old, new string) *pb.Record {
	return &pb.Record{Kind: pb.Kind_KIND_CONFIG, Store: "demo", Body: &pb.Record_Config{Config: &pb.Config{ConfigId: id, EffectiveFrom: from,
		File: bytes.Replace(stores.Demo(), []byte(old), []byte(new), 1)}}}
}

// traffic is a log of a few visitors over three days, with disorder, late events, duplicates, reused ids, merges, users that
// switch, sessionless events, damaged records, and settings that change at a midnight.
func traffic(t testing.TB, seed uint64) []stream.Record {
	r := rand.New(rand.NewPCG(seed, 1))
	recs := []*pb.Record{config()}
	now := day0
	for i := range 400 {
		now += r.Int64N(12 * minute)
		ts := now
		switch r.IntN(10) {
		case 0:
			ts -= r.Int64N(60 * minute)
		case 1:
			ts -= r.Int64N(30 * 60 * minute)
		}
		who := fmt.Sprint("v", r.IntN(8))
		e := evAt(who, ts, now, fmt.Sprint("m", i))
		if r.IntN(15) == 0 {
			e.GetEvent().Entry.Channel = "(previous)"
		}
		e.GetEvent().User = []string{"", "", "", "", "u", "w"}[r.IntN(6)]
		e.GetEvent().Interactive = r.IntN(8) != 0
		if i == 100 {
			recs = append(recs, changed("2", day0+24*60*minute, "session_gap: 30m", "session_gap: 10m"))
		}
		if r.IntN(100) == 0 {
			recs = append(recs, nil) // damaged
		}
		recs = append(recs, e)
		if r.IntN(12) == 0 {
			again := evAt(who, ts, now+1, fmt.Sprint("m", i))
			again.GetEvent().PayloadHash = r.Uint64N(2)
			recs = append(recs, again)
		}
		if r.IntN(5) == 0 {
			recs = append(recs, tick(now+2))
		}
	}
	return logOf(t, append(recs, tick(now+40*minute), tick(now+20*60*minute))...)
}

var errCrash = errors.New("planted crash")

func sameTables(t testing.TB, got, want map[event.ID]*pb.Session) {
	t.Helper()
	ids := func(m map[event.ID]*pb.Session) []event.ID {
		return slices.SortedFunc(maps.Keys(m), func(a, b event.ID) int { return bytes.Compare(a[:], b[:]) })
	}
	if !slices.Equal(ids(got), ids(want)) {
		t.Errorf("got %d sessions, want %d, or other ids", len(got), len(want))
		return
	}
	for id, s := range want {
		if !got[id].EqualVT(s) {
			t.Errorf("session %s:\ngot  %v\nwant %v", id, got[id], s)
		}
	}
}
