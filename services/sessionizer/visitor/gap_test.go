package visitor_test

import (
	"context"
	"testing"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/state"
	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/sessionizer/visitor"
)

// over folds a log with its store in dir, beginning with a gap if there is one.
func over(t testing.TB, dir string, log []stream.Record, out *topic, gap *stream.Gap, size int) {
	t.Helper()
	st, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	f := visitor.NewFold("events.g0", 0, 3)
	at := st.Position().Next
	if err := f.Load(st, at); err != nil {
		t.Fatal(err)
	}
	if gap != nil {
		at = gap.To
	}
	l := stream.NewLoop(stream.Config{FlushEvery: 1 << 62, FlushRecords: 1, Gap: gap}, newSource(log, at, size), f, out, st)
	if err := l.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// Ensure that a fold that does without some records tells once which time they may have touched: from its mark before them to the
// first record after them, also if it is restarted in between.
func TestGap(t *testing.T) {
	var recs []*pb.Record
	recs = append(recs, config())
	for i := range int64(6) {
		recs = append(recs, evAt("v", day0+i*10*minute, day0+i*10*minute, string(rune('a'+i))))
	}
	log, out, dir := logOf(t, recs...), &topic{}, t.TempDir()
	over(t, dir, log[:3], out, nil, 5) // two events
	over(t, dir, log[:5], out, &stream.Gap{From: 3, To: 5}, 5)
	for _, r := range out.records {
		if r.Kind == pb.Kind_KIND_GAP {
			t.Error("a gap was told before anything came after it")
		}
	}
	over(t, dir, log, out, nil, 5)
	var told []*pb.Record
	for _, r := range out.records {
		if r.Kind == pb.Kind_KIND_GAP {
			told = append(told, r)
		}
	}
	if len(told) != 1 {
		t.Fatalf("%d gaps were told, want 1", len(told))
	}
	g := told[0].GetGap()
	// The mark before the gap is the floor, 24 hours and the allowance behind the last record.
	if want := day0 + 10*minute - event.Allowance - 24*60*minute; g.FromOffset != 3 || g.ToOffset != 5 || g.FromTs != want || g.ToTs != day0+40*minute || told[0].Source.Offset != 5 {
		t.Errorf("got %v from %v, want from_ts %d", g, told[0].Source, want)
	}
}

// Ensure that a buried record goes to dead-letters with its place, moves the fold's place, and changes nothing else.
func TestBury(t *testing.T) {
	log := logOf(t, config(), ev("v", day0, "a"), ev("v", day0+minute, "b"), ev("v", day0+2*minute, "c"))
	st, err := state.Open(t.TempDir(), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	out, f := &topic{}, visitor.NewFold("events.g0", 0, 3)
	c := stream.Config{FlushEvery: 1 << 62, Skip: func(offset int64) bool { return offset == 2 }}
	if err := stream.NewLoop(c, newSource(log, 0, 5), f, out, st).Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(out.dead) != 1 {
		t.Fatalf("%d dead letters, want 1", len(out.dead))
	}
	d := out.dead[0].GetDeadLetter()
	if d.Reason != string(event.ReasonFoldPanic) || d.Topic != "events.g0" || d.Partition != 3 || d.Offset != 2 || string(d.Original) != string(log[2].Value) {
		t.Errorf("got %v", d)
	}
	for _, s := range out.table(t) {
		if s.Events != 2 {
			t.Errorf("the session has %d events, want the 2 that were not buried", s.Events)
		}
	}
	if st.Position().Next != 4 {
		t.Errorf("the state goes on at %d", st.Position().Next)
	}
}
