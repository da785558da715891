package session_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/session"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

const minute = int64(60_000)

var config = session.Config{Gap: 30 * minute, Lateness: 24 * 60 * minute, LinkHorizon: 7 * 24 * 60 * minute}

// at makes the event with the given offset and time.
func at(offset, ts int64) *pb.StoredEvent {
	id := event.Hash128([]byte(fmt.Sprint(offset)))
	return &pb.StoredEvent{Offset: offset, EventId: id[:], EventTs: ts, IngestTs: ts + 1000, Action: "page_viewed",
		Entry: &pb.Entry{Channel: "Organic Search"}}
}

// visitor takes events in the order given.
type visitor struct {
	state pb.VisitorState
	runs  []session.Run
}

func (v *visitor) add(e *pb.StoredEvent) {
	runs, ok := session.Append("s", "a", &v.state, v.runs, e, config)
	if !ok {
		session.Insert(&v.state, e)
		runs = session.Runs("s", "a", v.state.Events, config)
	}
	v.runs = runs
}

func (v *visitor) all() []*pb.Session { return session.All("a", &v.state, v.runs, config) }

func of(events ...*pb.StoredEvent) *visitor {
	v := &visitor{}
	for _, e := range events {
		v.add(e)
	}
	return v
}

func TestGap(t *testing.T) {
	for _, c := range []struct {
		name string
		gap  int64
		want int
	}{{"0 and 50 min", 50 * minute, 2}, {"gap exactly 30:00", 30 * minute, 1}, {"30:00.001", 30*minute + 1, 2}} {
		if got := len(of(at(0, 0), at(1, c.gap)).all()); got != c.want {
			t.Errorf("%s: got %d sessions, want %d", c.name, got, c.want)
		}
	}
}

// T0.4: events at 0 and 50 minutes, then a late one at 25: one session, under the id with the lower offset.
func TestT0_4Bridge(t *testing.T) {
	v := of(at(0, 0), at(1, 50*minute))
	first, second := v.all()[0], v.all()[1]
	v.add(at(2, 25*minute))
	all := v.all()
	if len(all) != 1 || all[0].Events != 3 {
		t.Fatalf("got %d sessions, want one with 3 events", len(all))
	}
	if !slices.Equal(all[0].SessionId, first.SessionId) || slices.Equal(all[0].SessionId, second.SessionId) {
		t.Error("the merge did not keep the id whose creating event has the lower offset")
	}
}

// Ensure that an earlier event moves the entry but not the id.
func TestLateFirstEventMovesTheEntry(t *testing.T) {
	v := of(at(5, 20*minute))
	id := v.all()[0].SessionId
	early := at(6, 10*minute)
	early.Entry.Channel = "Email"
	v.add(early)
	s := v.all()[0]
	if s.Entry.Channel != "Email" || s.StartedAt != 10*minute || !slices.Equal(s.SessionId, id) || s.CreatedOffset != 5 {
		t.Errorf("got entry %s at %d, created at offset %d", s.Entry.Channel, s.StartedAt, s.CreatedOffset)
	}
}

func TestPreviousChannelAndReturning(t *testing.T) {
	own := func(offset, ts int64) *pb.StoredEvent {
		e := at(offset, ts)
		e.Entry.Channel = session.PreviousChannel
		return e
	}
	ended := 10 * minute
	v := of(at(0, 0), at(1, ended), own(2, ended+session.Memory), own(3, ended+2*session.Memory+1))
	all := v.all()
	for i, want := range []struct {
		channel   string
		returning bool
	}{{"Organic Search", false}, {"Organic Search", true}, {"Direct", false}} {
		if e := all[i].Entry; e.Channel != want.channel || e.Returning != want.returning {
			t.Errorf("session %d: got %s, returning %t, want %s, %t", i, e.Channel, e.Returning, want.channel, want.returning)
		}
	}
	if all[0].Entry == v.state.Events[0].Entry {
		t.Error("a session shares its entry with the event")
	}
}

// cutOracle is the definition, word by word: compare each event with every earlier one.
func cutOracle(events []*pb.StoredEvent) map[string]int {
	sorted := slices.Clone(events)
	slices.SortFunc(sorted, session.Less)
	out := map[string]int{}
	n := 0
	for i, e := range sorted {
		near := false
		for _, o := range sorted[:i] {
			near = near || e.EventTs-o.EventTs <= config.Gap
		}
		if i > 0 && !near {
			n++
		}
		out[string(e.EventId)] = n
	}
	return out
}

// Ensure that the sets of events do not depend on the order of arrival, and equal the oracle's.
func TestSessionsAreAFunctionOfTheSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 25).Draw(t, "n")
		events := make([]*pb.StoredEvent, n)
		for i := range events {
			step := rapid.SampledFrom([]int64{0, 1, minute, 29 * minute, 30 * minute, 30*minute + 1, 50 * minute}).Draw(t, "step")
			ts := step
			if i > 0 {
				ts += events[i-1].EventTs
			}
			events[i] = at(int64(i), ts)
		}
		want := cutOracle(events)
		arrival := rapid.Permutation(events).Draw(t, "arrival")
		for i, e := range arrival {
			arrival[i] = e.CloneVT()
			arrival[i].Offset = int64(i)
		}
		v := of(arrival...)
		for i, s := range v.all() {
			for _, st := range s.Trail {
				if want[string(st.EventId)] != i {
					t.Fatalf("an event is in session %d, the oracle says %d", i, want[string(st.EventId)])
				}
			}
		}
		if fresh := session.Runs("s", "a", v.state.Events, config); !slices.Equal(fresh, v.runs) {
			t.Fatal("the runs that Append moved along differ from a fresh cut")
		}
	})
}

// Ensure that it makes no difference when, and how often, expiry runs; and that what expired was final.
func TestExpireIsIndependentOfItsMoments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		build := func() *visitor {
			v := &visitor{}
			for i := range int64(8) {
				v.add(at(i, i*i*17*minute))
				session.Remember(&v.state, binary.BigEndian.AppendUint64(nil, uint64(i)), 0, i*i*17*minute)
			}
			return v
		}
		moments := rapid.SliceOfN(rapid.Int64Range(0, 60*24*60), 1, 6).Draw(t, "minutes")
		slices.Sort(moments)
		often, once := build(), build()
		for _, m := range moments {
			before, floor := often.all(), m*minute-config.Lateness
			gone := session.Expire(&often.state, often.runs, floor, m*minute, config)
			for _, s := range before[:gone] {
				if !session.Final(s.EndedAt, floor, config) {
					t.Fatal("a session that is not final was dropped")
				}
			}
			often.runs = session.Runs("s", "a", often.state.Events, config)
		}
		w := moments[len(moments)-1] * minute
		session.Expire(&once.state, once.runs, w-config.Lateness, w, config)
		if !once.state.EqualVT(&often.state) {
			t.Fatalf("once: %v\noften: %v", &once.state, &often.state)
		}
	})
}

// Ensure that Due is exact: at it nothing happens, one millisecond later something does.
func TestDueIsExact(t *testing.T) {
	for name, build := range map[string]func() *visitor{
		"session": func() *visitor { return of(at(0, 0), at(1, 20*minute)) },
		"id": func() *visitor {
			v := &visitor{}
			session.Remember(&v.state, []byte("x"), 0, 5*minute)
			return v
		},
		"previous": func() *visitor {
			return &visitor{state: pb.VisitorState{LastChannel: "Email", LastEnded: 7 * minute}}
		},
	} {
		for late := range int64(2) {
			v := build()
			before := v.state.CloneVT()
			w := session.Due(&v.state, v.runs, config) + late
			session.Expire(&v.state, v.runs, w-config.Lateness, w, config)
			if changed := !before.EqualVT(&v.state); changed != (late == 1) {
				t.Errorf("%s: %d ms after Due: changed %t", name, late, changed)
			}
		}
	}
}

func TestSeenForgetsByW(t *testing.T) {
	v := &pb.VisitorState{}
	session.Remember(v, []byte("x"), 7, 1000)
	last := 1000 + 49*60*minute
	if hash, seen := session.Seen(v, []byte("x"), last, config); !seen || hash != 7 {
		t.Error("the id is not remembered up to ingest_ts + 49 h")
	}
	if _, seen := session.Seen(v, []byte("x"), last+1, config); seen {
		t.Error("the id is remembered beyond ingest_ts + 49 h")
	}
}

func BenchmarkAppend(b *testing.B) {
	b.ReportAllocs()
	var v visitor
	for i := range b.N {
		if i%16 == 0 {
			v = visitor{}
		}
		v.add(at(int64(i), int64(i)*minute))
	}
}

func BenchmarkBuild(b *testing.B) {
	v := &visitor{}
	for i := range int64(8) {
		v.add(at(i, i*minute))
	}
	b.ReportAllocs()
	for b.Loop() {
		v.all()
	}
}
