package session_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/session"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

const minute = int64(60_000)

// TestMain raises the number of random cases.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("10000"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

func rules(change ...func(*session.Config)) session.Rules {
	c := session.Config{Gap: 30 * minute, Lateness: 24 * 60 * minute, LinkHorizon: 7 * 24 * 60 * minute, Cap: 500, Zone: time.UTC}
	for _, f := range change {
		f(&c)
	}
	return session.Rules{c}
}

// at makes the event with the given offset and time.
func at(offset, ts int64) *pb.StoredEvent {
	id := event.Hash128([]byte(fmt.Sprint(offset)))
	return &pb.StoredEvent{Offset: offset, EventId: id[:], EventTs: ts, IngestTs: ts + 1000, Action: "page_viewed",
		Entry: &pb.Entry{Channel: "Organic Search"}}
}

func user(e *pb.StoredEvent, user, mail string) *pb.StoredEvent {
	e.User, e.EmailHash = user, mail
	return e
}

// add takes an event as the fold does.
func add(v *session.Visitor, e *pb.StoredEvent, r session.Rules) {
	if !v.Append(e, r) {
		v.Insert(e, r)
	}
}

func of(r session.Rules, events ...*pb.StoredEvent) *session.Visitor {
	v := session.NewVisitor("s", "a", &session.State{}, r)
	for _, e := range events {
		add(v, e, r)
	}
	return v
}

func TestGap(t *testing.T) {
	r := rules()
	for _, c := range []struct {
		name string
		gap  int64
		want int
	}{{"0 and 50 min", 50 * minute, 2}, {"gap exactly 30:00", 30 * minute, 1}, {"30:00.001", 30*minute + 1, 2}} {
		if got := len(of(r, at(0, 0), at(1, c.gap)).All(r)); got != c.want {
			t.Errorf("%s: got %d sessions, want %d", c.name, got, c.want)
		}
	}
}

// T0.4: events at 0 and 50 minutes, then a late one at 25: one session, under the id with the lower offset.
func TestT0_4Bridge(t *testing.T) {
	r := rules()
	v := of(r, at(0, 0), at(1, 50*minute))
	first, second := v.All(r)[0], v.All(r)[1]
	add(v, at(2, 25*minute), r)
	all := v.All(r)
	if len(all) != 1 || all[0].Events != 3 {
		t.Fatalf("got %d sessions, want one with 3 events", len(all))
	}
	if !slices.Equal(all[0].SessionId, first.SessionId) || slices.Equal(all[0].SessionId, second.SessionId) {
		t.Error("the merge did not keep the id whose creating event has the lower offset")
	}
}

// Ensure that an earlier event moves the entry but not the id.
func TestLateFirstEventMovesTheEntry(t *testing.T) {
	r := rules()
	v := of(r, at(5, 20*minute))
	id := v.All(r)[0].SessionId
	early := at(6, 10*minute)
	early.Entry.Channel = "Email"
	add(v, early, r)
	s := v.All(r)[0]
	if s.Entry.Channel != "Email" || s.StartedAt != 10*minute || !slices.Equal(s.SessionId, id) || s.CreatedOffset != 5 {
		t.Errorf("got entry %s at %d, created at offset %d", s.Entry.Channel, s.StartedAt, s.CreatedOffset)
	}
}

func TestPreviousChannelAndReturning(t *testing.T) {
	r := rules()
	own := func(offset, ts int64) *pb.StoredEvent {
		e := at(offset, ts)
		e.Entry.Channel = session.PreviousChannel
		return e
	}
	ended := 10 * minute
	v := of(r, at(0, 0), at(1, ended), own(2, ended+session.Memory), own(3, ended+2*session.Memory+1))
	all := v.All(r)
	for i, want := range []struct {
		channel   string
		returning bool
	}{{"Organic Search", false}, {"Organic Search", true}, {"Direct", false}} {
		if e := all[i].Entry; e.Channel != want.channel || e.Returning != want.returning {
			t.Errorf("session %d: got %s, returning %t, want %s, %t", i, e.Channel, e.Returning, want.channel, want.returning)
		}
	}
	if all[0].Entry == v.State.Events[0].Entry {
		t.Error("a session shares its entry with the event")
	}
}

// Ensure the star: an upgrade extends a session, a switch cuts it, and a split leaves the id with the creating event.
func TestUsers(t *testing.T) {
	r := rules()
	for _, c := range []struct {
		name  string
		who   [][2]string // user, e-mail
		sizes []int
	}{
		{"anonymous", [][2]string{{}, {}}, []int{2}},
		{"first login", [][2]string{{}, {"u", ""}, {}}, []int{3}},
		{"two users", [][2]string{{"u", ""}, {"w", ""}}, []int{1, 1}},
		{"two users, anonymous between", [][2]string{{"u", ""}, {}, {"w", ""}, {}}, []int{2, 2}},
		{"back again", [][2]string{{"u", ""}, {"w", ""}, {"u", ""}}, []int{1, 1, 1}},
		{"two e-mails", [][2]string{{"", "m"}, {"", "n"}}, []int{1, 1}},
		{"an e-mail gains a user", [][2]string{{"", "m"}, {"u", ""}, {"", "n"}}, []int{3}},
		{"another e-mail with the user", [][2]string{{"", "m"}, {"u", "n"}}, []int{2}},
	} {
		v := of(r)
		for i, w := range c.who {
			add(v, user(at(int64(i), int64(i)*minute), w[0], w[1]), r)
		}
		var sizes []int
		for _, s := range v.All(r) {
			sizes = append(sizes, int(s.Events))
		}
		if !slices.Equal(sizes, c.sizes) {
			t.Errorf("%s: got sessions of %v events, want %v", c.name, sizes, c.sizes)
		}
	}
	v := of(r, at(1, 0), at(2, 2*minute))
	id := v.All(r)[0].SessionId
	add(v, user(at(3, minute), "u", ""), r)
	add(v, user(at(4, 90_000), "w", ""), r)
	if all := v.All(r); len(all) != 2 || !slices.Equal(all[0].SessionId, id) || all[1].Flags&session.FlagSwitched == 0 || all[0].Flags&session.FlagSwitched != 0 {
		t.Error("the split did not leave the id with the part that holds the creating event, or is not flagged")
	}
}

func TestSplitRules(t *testing.T) {
	campaign := func(offset, ts int64, name string) *pb.StoredEvent {
		e := at(offset, ts)
		e.Entry.Campaign = name
		return e
	}
	off, on := rules(), rules(func(c *session.Config) { c.SplitCampaign = true })
	events := []*pb.StoredEvent{campaign(0, 0, ""), campaign(1, minute, "x"), campaign(2, 2*minute, ""), campaign(3, 3*minute, "x"), campaign(4, 4*minute, "y")}
	if got := len(of(off, events...).All(off)); got != 1 {
		t.Errorf("rules are off by default: got %d sessions", got)
	}
	if got := len(of(on, events...).All(on)); got != 3 {
		t.Errorf("new campaigns: got %d sessions, want 3", got)
	}
	india, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	midnight := rules(func(c *session.Config) { c.SplitMidnight, c.Zone = true, india })
	at1829 := (18*60 + 29) * minute
	if got := len(of(midnight, at(0, at1829), at(1, at1829+minute)).All(midnight)); got != 2 {
		t.Errorf("midnight in India is 18:30 UTC: got %d sessions, want 2", got)
	}
}

// Ensure that a capped run keeps its smallest events whatever came first, and that its totals stay exact.
func TestCap(t *testing.T) {
	r := rules(func(c *session.Config) { c.Cap = 3 })
	for _, order := range [][]int64{{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 4, 0, 3, 1}} {
		v := of(r)
		for _, i := range order {
			add(v, at(i, i*minute), r)
		}
		s := v.All(r)
		if len(s) != 1 || s[0].Events != 5 || s[0].TailEvents != 2 || len(s[0].Trail) != 3 || s[0].Trail[2].Ts != 2*minute ||
			s[0].EndedAt != 4*minute || s[0].Flags&session.FlagCapped == 0 {
			t.Errorf("arrival %v: got %v", order, s)
		}
	}
}

func TestSessionlessEvents(t *testing.T) {
	r := rules()
	refund := at(9, 39*minute) // 29 minutes after the end of the first session
	refund.Action = "refunded"
	v := of(r, at(0, 0), at(1, 10*minute), at(2, 60*minute))
	v.Join(refund, r)
	all := v.All(r)
	if len(all) != 2 || all[0].Events != 2 || all[0].EndedAt != 10*minute || len(all[0].Trail) != 3 || all[0].Trail[2].Flags&session.StepJoined == 0 || len(all[1].Trail) != 1 {
		t.Errorf("got %v", all)
	}
	far := at(10, 41*minute)
	v.Join(far, r)
	if all = v.All(r); len(all[0].Trail) != 3 || len(all[1].Trail) != 1 {
		t.Error("an event joined a session that ended more than the gap before")
	}
	token := user(at(11, 5*minute), "", "")
	token.CartToken = "c"
	holder := user(at(12, minute), "u", "")
	holder.CartToken = "c"
	w := of(r, holder, user(at(13, 2*minute), "w", ""))
	w.Join(token, r)
	if all = w.All(r); len(all[0].Trail) != 2 || len(all[1].Trail) != 1 {
		t.Error("the session that holds the cart does not come first")
	}
}

// script is a random set of events in a random order of arrival.
type script struct {
	rules       session.Rules
	arrival     []*pb.StoredEvent
	sessionless map[*pb.StoredEvent]bool
}

func draw(t *rapid.T) script {
	s := script{sessionless: map[*pb.StoredEvent]bool{}, rules: rules(func(c *session.Config) {
		c.SplitCampaign = rapid.Bool().Draw(t, "split campaign")
		c.SplitMidnight = rapid.Bool().Draw(t, "split midnight")
		c.Cap = rapid.SampledFrom([]int{2, 3, 500}).Draw(t, "cap")
	})}
	ts := 23 * 60 * minute
	var events []*pb.StoredEvent
	for i := range rapid.IntRange(1, 18).Draw(t, "n") {
		ts += rapid.SampledFrom([]int64{0, 1, minute, 20 * minute, 29 * minute, 30 * minute, 30*minute + 1, 50 * minute}).Draw(t, "step")
		e := at(int64(i), ts)
		if k := rapid.IntRange(0, 7).Draw(t, "who"); k < 3 {
			e.User = []string{"u", "w", ""}[k]
			e.EmailHash = rapid.SampledFrom([]string{"", "m", "n"}).Draw(t, "mail")
		}
		e.Entry.Campaign = rapid.SampledFrom([]string{"", "", "", "x", "y"}).Draw(t, "campaign")
		e.CartToken = rapid.SampledFrom([]string{"", "", "c", "d"}).Draw(t, "cart")
		s.sessionless[e] = rapid.IntRange(0, 4).Draw(t, "sessionless") == 0
		events = append(events, e)
	}
	s.arrival = rapid.Permutation(events).Draw(t, "arrival")
	for i, e := range s.arrival {
		e.Offset = int64(i)
	}
	return s
}

func (s script) play() *session.Visitor {
	v := of(s.rules)
	for _, e := range s.arrival {
		if s.sessionless[e] {
			v.Join(e, s.rules)
		} else {
			add(v, e, s.rules)
		}
	}
	return v
}

// Ensure that sessions are a function of the set: whatever the order of arrival, they are the oracle's, with users,
// split rules, caps and sessionless events.
func TestSessionsEqualTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		v := s.play()
		want, got := oracle(s.arrival, s.sessionless, s.rules[0]), v.All(s.rules)
		if len(got) != len(want) {
			t.Fatalf("got %d sessions, want %d", len(got), len(want))
		}
		for i, w := range want {
			var events, loose []string
			for _, st := range got[i].Trail {
				if st.Flags&session.StepJoined != 0 {
					loose = append(loose, string(st.EventId))
				} else {
					events = append(events, string(st.EventId))
				}
			}
			if !slices.Equal(events, w.events) || !slices.Equal(loose, w.loose) || int(got[i].TailEvents) != w.tail || got[i].EndedAt != w.ended {
				t.Fatalf("session %d: got %v, want %d events, %d joined, tail %d, end %d", i, got[i], len(w.events), len(w.loose), w.tail, w.ended)
			}
		}
		restored, err := session.Restore("s", "a", v.AppendState(nil), s.rules, text)
		if err != nil {
			t.Fatal(err)
		}
		fresh := restored.All(s.rules)
		for i, f := range fresh {
			if !f.EqualVT(got[i]) {
				t.Fatalf("what was moved along differs from a fresh cut of the stored state:\ngot  %v\nwant %v", got[i], f)
			}
		}
	})
}

// Ensure that it makes no difference when, and how often, expiry runs; that only final sessions go, and that those that
// stay do not change.
func TestExpireIsIndependentOfItsMoments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		often, once := s.play(), s.play()
		r := s.rules
		for _, e := range s.arrival {
			often.Remember(event.IDOf(e.EventId), 0, e.IngestTs, r)
			once.Remember(event.IDOf(e.EventId), 0, e.IngestTs, r)
		}
		moments := rapid.SliceOfN(rapid.Int64Range(23*60, 90*24*60), 1, 5).Draw(t, "minutes")
		slices.Sort(moments)
		for _, m := range moments {
			w, floor := m*minute, m*minute-r[0].Lateness
			before := often.All(r)
			due := often.Due(r)
			state := often.AppendState(nil)
			gone := often.Expire(floor, w, r)
			if w <= due && !bytes.Equal(state, often.AppendState(nil)) {
				t.Fatalf("Due says that nothing happens up to %d, and something did at %d", due, w)
			}
			for _, g := range gone {
				if !r.Final(g.Ended, floor) {
					t.Fatal("a session that is not final was dropped")
				}
			}
			for i, s := range often.All(r) {
				if !s.EqualVT(before[len(gone)+i]) {
					t.Fatalf("a session that stayed changed:\ngot  %v\nwant %v", s, before[len(gone)+i])
				}
			}
		}
		w := moments[len(moments)-1] * minute
		once.Expire(w-r[0].Lateness, w, r)
		if !bytes.Equal(once.AppendState(nil), often.AppendState(nil)) {
			t.Fatalf("once: %v\noften: %v", once.State, often.State)
		}
	})
}

// Ensure that everything goes in the end.
func TestEmpty(t *testing.T) {
	r := rules()
	v := of(r, user(at(0, 0), "u", ""))
	v.Remember(event.ID{1}, 0, 0, r)
	v.Join(at(1, minute), r)
	for range 6 {
		if v.Empty() {
			return
		}
		w := v.Due(r) + 1
		v.Expire(w-r[0].Lateness, w, r)
	}
	if !v.Empty() {
		t.Errorf("left: %v", v.State)
	}
}

func TestSeenForgetsByW(t *testing.T) {
	r := rules()
	v := of(r)
	x := event.ID{'x'}
	v.Remember(x, 7, 1000, r)
	last := 1000 + 49*60*minute
	if hash, seen := v.Seen(x, last, r); !seen || hash != 7 {
		t.Error("the id is not remembered up to ingest_ts + 49 h")
	}
	if _, seen := v.Seen(x, last+1, r); seen {
		t.Error("the id is remembered beyond ingest_ts + 49 h")
	}
}

// Ensure that the gap in force at the earlier neighbour's time decides.
func TestRulesChange(t *testing.T) {
	r := rules()
	r = append(r, r[0])
	r[1].From, r[1].Gap = 100*minute, 10*minute
	for _, c := range []struct {
		a, b int64
		want int
	}{{99, 120, 1}, {100, 120, 2}, {80, 99, 1}, {110, 120, 1}} {
		if got := len(of(r, at(0, c.a*minute), at(1, c.b*minute)).All(r)); got != c.want {
			t.Errorf("%d and %d min: got %d sessions, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestRobots(t *testing.T) {
	r := rules()
	series := func(n int, pause func(i int) int64, action string) []*pb.StoredEvent {
		var out []*pb.StoredEvent
		ts := int64(0)
		for i := range n {
			ts += pause(i)
			e := at(int64(i), ts)
			e.Action = action
			out = append(out, e)
		}
		return out
	}
	varied := func(base int64) func(int) int64 { return func(i int) int64 { return base + int64(i*i%17)*base/4 } }
	for _, c := range []struct {
		name   string
		events []*pb.StoredEvent
		want   bool
	}{
		{"a shopper", series(30, varied(4000), "product_viewed"), false},
		{"a scraper", series(30, func(i int) int64 { return 1500 + int64(i%3)*20 }, "product_viewed"), true},
		{"20 regular events", series(20, func(int) int64 { return 1500 }, "product_viewed"), false},
		{"121 in a minute", series(121, varied(100), "product_viewed"), true},
		{"too many", series(501, varied(60_000), "product_viewed"), true},
		{"carting", series(21, varied(5000), "cart_added"), true},
		{"carting, then checkout", append(series(21, varied(5000), "cart_added"), func() *pb.StoredEvent { e := at(99, 200_000); e.Action = "checkout_started"; return e }()), false},
	} {
		all := of(r, c.events...).All(r)
		if got := all[len(all)-1].Flags&session.FlagBot != 0; got != c.want {
			t.Errorf("%s: got %t", c.name, got)
		}
	}
	declared := at(1, 0)
	declared.Flags = event.FlagBot | event.FlagInternal
	if f := of(r, at(0, minute), declared).All(r)[0].Flags; f&session.FlagBot == 0 || f&session.FlagInternal == 0 {
		t.Errorf("declared: got flags %b", f)
	}
}

func BenchmarkAppend(b *testing.B) {
	r := rules()
	var v *session.Visitor
	events := make([]*pb.StoredEvent, 20)
	for i := range events {
		events[i] = at(int64(i), int64(i)*minute)
	}
	b.ReportAllocs()
	for i := range b.N {
		if i%20 == 0 {
			v = of(r)
		}
		add(v, events[i%20], r)
	}
}

func BenchmarkBuild(b *testing.B) {
	r := rules()
	v := of(r)
	for i := range int64(20) {
		add(v, at(i, i*minute), r)
	}
	b.ReportAllocs()
	for b.Loop() {
		v.All(r)
	}
}
