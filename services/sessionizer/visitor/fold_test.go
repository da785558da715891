package visitor_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/sessionizer/visitor"
)

// Ensure that where flushes fall changes neither the store nor what readers see (C1).
func TestFlushPositionsDoNotShow(t *testing.T) {
	for seed := range uint64(5) {
		log := traffic(t, seed)
		var wantStore []string
		var want *topic
		for _, flush := range []int{1000, 7, 1} {
			dir, out := t.TempDir(), &topic{}
			if err := run(t, dir, log, out, flush, nil); err != nil {
				t.Fatal(err)
			}
			if want == nil {
				wantStore, want = content(t, dir), out
				if n := len(out.table(t)); n < 40 {
					t.Fatalf("the log makes %d sessions only", n)
				}
				continue
			}
			if got := content(t, dir); !slices.Equal(got, wantStore) {
				t.Errorf("seed %d: the store differs with flushes of %d records:\ngot  %s\nwant %s", seed, flush,
					strings.Join(got, "\n"), strings.Join(wantStore, "\n"))
			}
			sameTables(t, out.table(t), want.table(t))
		}
	}
}

// Ensure that a crash at any step of any flush repeats work but changes no result (C3).
func TestCrashAtEachFailPoint(t *testing.T) {
	log := traffic(t, 42)
	clean := &topic{}
	cleanDir := t.TempDir()
	if err := run(t, cleanDir, log, clean, 50, nil); err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{stream.StepApplied, stream.StepFlushed, stream.StepWritten, stream.StepCommitted} {
		for nth := 1; nth <= 4; nth++ {
			dir, out, seen, crashed := t.TempDir(), &topic{}, 0, false
			fail := func(s string) error {
				if s == step {
					if seen++; seen == nth && !crashed {
						crashed = true
						return errCrash
					}
				}
				return nil
			}
			if err := run(t, dir, log, out, 50, fail); err == nil || !crashed {
				t.Fatalf("%s %d: no crash happened: %v", step, nth, err)
			}
			if err := run(t, dir, log, out, 33, fail); err != nil {
				t.Fatal(err)
			}
			sameTables(t, out.table(t), clean.table(t))
			if got, want := content(t, dir), content(t, cleanDir); !slices.Equal(got, want) {
				t.Errorf("crash %d at %s: the store differs", nth, step)
			}
		}
	}
}

// Ensure that a session born and merged away inside one flush leaves a tombstone, and that the tombstone wins.
func TestMergeInsideOneFlush(t *testing.T) {
	log := logOf(t, config(), ev("a", day0, "1"), ev("a", day0+50*minute, "2"), evAt("a", day0+25*minute, day0+51*minute, "3"))
	for _, flush := range []int{1, 1000} {
		out := &topic{}
		if err := run(t, t.TempDir(), log, out, flush, nil); err != nil {
			t.Fatal(err)
		}
		tombstones := 0
		for _, r := range out.records {
			if r.Kind == pb.Kind_KIND_TOMBSTONE {
				tombstones++
			}
		}
		if live := out.table(t); len(live) != 1 || tombstones != 1 {
			t.Errorf("flush %d: got %d sessions, %d tombstones, want 1 and 1", flush, len(live), tombstones)
		}
	}
}

// Ensure that what the fold forwards comes in the order that readers rely on: config first, watermark last.
func TestOrderInAFlush(t *testing.T) {
	out := &topic{}
	if err := run(t, t.TempDir(), logOf(t, config(), ev("a", day0, "1"), config()), out, 1000, nil); err != nil {
		t.Fatal(err)
	}
	var kinds []pb.Kind
	for _, r := range out.records {
		kinds = append(kinds, r.Kind)
		if r.Source == nil || r.Source.Partition != 3 {
			t.Errorf("%s has source %v, want partition 3", r.Kind, r.Source)
		}
	}
	if want := []pb.Kind{pb.Kind_KIND_CONFIG, pb.Kind_KIND_SESSION, pb.Kind_KIND_WATERMARK}; !slices.Equal(kinds, want) {
		t.Errorf("got %v, want %v: a config with the same id is a no-op", kinds, want)
	}
}

func lastMark(t testing.TB, recs ...*pb.Record) *pb.Watermark {
	t.Helper()
	out := &topic{}
	if err := run(t, t.TempDir(), logOf(t, recs...), out, 1, nil); err != nil {
		t.Fatal(err)
	}
	return out.records[len(out.records)-1].GetWatermark()
}

// Ensure the two marks of finality: F waits for gap + lateness, FP for a link's reach beyond them.
func TestMarks(t *testing.T) {
	const day, allowance = 24 * 60 * minute, int64(10_000)
	e := ev("a", day0+20*minute, "1")
	bucket := day0 + 15*minute
	final := day0 + 20*minute + 30*minute + day + allowance // ingest time at which floor = E + gap
	for _, c := range []struct {
		name  string
		now   int64
		f, fp int64
	}{
		{"before final", final, bucket, bucket},
		{"final", final + 1, day0 + 50*minute + 1, bucket},
		{"within a link's reach", final + 7*day, day0 + 50*minute + 7*day, bucket},
		{"final for persons", final + 7*day + 1, day0 + 50*minute + 7*day + 1, day0 + 50*minute + 7*day + 1},
	} {
		if m := lastMark(t, config(), e, tick(c.now)); m.W != c.now-allowance || m.F != c.f || m.Fp != c.fp {
			t.Errorf("%s: got W %d, F %+d, FP %+d, want %d, %+d, %+d", c.name, m.W-day0, m.F-day0, m.Fp-day0, c.now-allowance-day0, c.f-day0, c.fp-day0)
		}
	}
}

// Ensure that the window of an entry is not final before a late event of its session can come: entry 10:14, steady
// browsing, a purchase at 22:50 that arrives a day late.
func TestAWindowWaitsForItsSessionsEnd(t *testing.T) {
	ten := day0 + 10*60*minute
	recs := []*pb.Record{config()}
	for at := ten + 14*minute; at < ten+12*60*minute+50*minute; at += 29 * minute {
		recs = append(recs, ev("a", at, fmt.Sprint(at)))
	}
	arrival := ten + 36*60*minute // 22:00 of the next day
	before := lastMark(t, append(recs, tick(arrival-1))...)
	if before.F > ten {
		t.Fatalf("10:00–10:15 is final at F = 10:00%+d before the purchase came", before.F-ten)
	}
	out := &topic{}
	if err := run(t, t.TempDir(), logOf(t, append(recs, evAt("a", ten+12*60*minute+50*minute, arrival, "buy"))...), out, 1, nil); err != nil {
		t.Fatal(err)
	}
	if live := out.table(t); len(live) != 1 {
		t.Errorf("got %d sessions, want the purchase in the one that began at 10:14", len(live))
	}
}

// Ensure that lateness is decided before state is touched, at the floor exactly.
func TestLateEventsTouchNothing(t *testing.T) {
	floor := day0 - 10_000 // of a tick a day later
	recs := []*pb.Record{config(), tick(day0 + 24*60*minute)}
	for i, c := range []struct {
		ts   int64
		want int
	}{{floor - 1, 0}, {floor, 1}} {
		out := &topic{}
		late := evAt("a", c.ts, day0+24*60*minute, fmt.Sprint(i))
		if err := run(t, t.TempDir(), logOf(t, append(recs, late)...), out, 1, nil); err != nil {
			t.Fatal(err)
		}
		if got := len(out.table(t)); got != c.want {
			t.Errorf("event at floor%+d: got %d sessions, want %d", c.ts-floor, got, c.want)
		}
	}
}

// Ensure that flushes without data tell how far W is, once it has moved by five seconds, and no earlier.
func TestWatermarksWithoutData(t *testing.T) {
	out := &topic{}
	if err := run(t, t.TempDir(), logOf(t, tick(day0), tick(day0+4_999), tick(day0+5_000), tick(day0+9_999)), out, 1, nil); err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, r := range out.records {
		got = append(got, r.GetWatermark().GetW()-day0+event.Allowance)
	}
	if !slices.Equal(got, []int64{0, 5_000}) {
		t.Errorf("got watermarks at %v ms", got)
	}
}

// Ensure that W at an offset counts the record at that offset: an event can be late by its own arrival.
func TestWCountsTheRecordItself(t *testing.T) {
	out := &topic{}
	if err := run(t, t.TempDir(), logOf(t, config(), evAt("a", day0-25*60*minute, day0, "1")), out, 1, nil); err != nil {
		t.Fatal(err)
	}
	if n := len(out.table(t)); n != 0 {
		t.Errorf("got %d sessions of an event that its own arrival made late", n)
	}
}

// Ensure that one event more after a long session's expiry is looked at does not hang or lose the session.
func TestLongSessionIsRescheduled(t *testing.T) {
	recs := []*pb.Record{config()}
	for i := range int64(20) {
		recs = append(recs, ev("a", day0+i*20*minute, fmt.Sprint(i)))
	}
	m := lastMark(t, append(recs, tick(day0+25*60*minute))...)
	if m.F != day0 {
		t.Errorf("F moved to %+d while the session is open", m.F-day0)
	}
}

// Ensure that nothing follows once a session is final: no record of its key has a version above the source offset of the
// first watermark record whose F passed its entry.
func TestFinalMeansFinal(t *testing.T) {
	for seed := range uint64(5) {
		out := &topic{}
		if err := run(t, t.TempDir(), traffic(t, seed), out, 3, nil); err != nil {
			t.Fatal(err)
		}
		started, final := map[event.ID]int64{}, map[event.ID]bool{}
		for _, r := range out.records {
			id := event.IDOf(append(bytes.Clone(r.GetSession().GetSessionId()), r.GetTombstone().GetSessionId()...))
			switch r.Kind {
			case pb.Kind_KIND_SESSION, pb.Kind_KIND_TOMBSTONE:
				if final[id] {
					t.Fatalf("seed %d: session %s changed at offset %d after it was final", seed, id, r.Source.Offset)
				}
				started[id] = r.GetSession().GetStartedAt()
			case pb.Kind_KIND_WATERMARK:
				for id, at := range started {
					final[id] = final[id] || at < r.GetWatermark().F
				}
			}
		}
		if len(final) < 40 {
			t.Fatalf("seed %d: %d sessions became final only", seed, len(final))
		}
	}
}

// Ensure that what cannot be taken goes to dead letters with its place, and that the log goes on.
func TestDeadLetters(t *testing.T) {
	reused := ev("a", day0+minute, "1")
	reused.GetEvent().PayloadHash = 7
	other := ev("b", day0, "1")              // another visitor: another event
	server := func(hash uint64) *pb.Record { // no visitor
		e := ev("", day0, "order")
		e.GetEvent().User, e.GetEvent().PayloadHash = "u", hash
		return e
	}
	late := func(hash uint64) *pb.Record {
		e := evAt("a", day0-30*60*minute, day0+minute, "late")
		e.GetEvent().PayloadHash = hash
		return e
	}
	log := logOf(t, config(), ev("a", day0, "1"), nil, ev("a", day0, "1"), reused, other, server(1), server(1), server(2), late(1), late(1), late(2))
	for _, flush := range []int{1, 1000} {
		out := &topic{}
		if err := run(t, t.TempDir(), log, out, flush, nil); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range out.dead {
			d := r.GetDeadLetter()
			got = append(got, fmt.Sprintf("%s %s/%d/%d %q", d.Reason, d.Topic, d.Partition, d.Offset, r.Store))
			if !slices.Equal(d.Original, log[d.Offset].Value) {
				t.Error("the original is not kept as it came")
			}
		}
		if want := []string{`record_undecodable events.g0/3/2 ""`, `id_reused events.g0/3/4 "demo"`, `id_reused events.g0/3/8 "demo"`, `id_reused events.g0/3/11 "demo"`}; !slices.Equal(got, want) {
			t.Errorf("flush %d: got %q, want %q", flush, got, want)
		}
		if live := out.table(t); len(live) != 2 {
			t.Errorf("got %d sessions, want 2", len(live))
		}
	}
}

// Ensure that a setting governs from its moment on, and that one that arrives after its moment recuts what it governs, with
// the same result as if it had come in time.
func TestSettingsChange(t *testing.T) {
	midnight := day0 + 24*60*minute
	change := changed("2", midnight, "session_gap: 30m", "session_gap: 10m")
	events := []*pb.Record{ev("a", midnight-40*minute, "1"), ev("a", midnight-20*minute, "2"), ev("a", midnight-minute, "3"),
		ev("a", midnight+15*minute, "4"), ev("a", midnight+27*minute, "5"), ev("a", midnight+30*minute, "6")}
	var want *topic
	for _, at := range []int{1, 4, 7} {
		recs := slices.Insert(append([]*pb.Record{config()}, events...), at, change)
		out := &topic{}
		if err := run(t, t.TempDir(), logOf(t, recs...), out, 1, nil); err != nil {
			t.Fatal(err)
		}
		var sizes []int
		for _, s := range out.table(t) {
			sizes = append(sizes, int(s.Events))
		}
		slices.Sort(sizes)
		if !slices.Equal(sizes, []int{2, 4}) { // 1–4: pauses up to 20 min under the old gap; 12 min under the new one cuts
			t.Errorf("config as record %d: got sessions of %v events", at, sizes)
		}
		if want == nil {
			want = out
		}
	}
	// A config that came too late is forwarded before the sessions that it changes.
	recs := append(append([]*pb.Record{config()}, events...), change)
	out := &topic{}
	if err := run(t, t.TempDir(), logOf(t, recs...), out, 1, nil); err != nil {
		t.Fatal(err)
	}
	n := len(out.records)
	kinds := []pb.Kind{}
	for _, r := range out.records[n-4:] {
		kinds = append(kinds, r.Kind)
	}
	if kinds[0] != pb.Kind_KIND_CONFIG || kinds[3] != pb.Kind_KIND_WATERMARK {
		t.Errorf("the last flush is %v", kinds)
	}
}

// Ensure that money is converted at the rate of its day, and excluded without one.
func TestMoney(t *testing.T) {
	buy := func(message, currency string, minor int64) *pb.Record {
		e := ev("a", day0, message)
		e.GetEvent().Action, e.GetEvent().Money = "purchased", &pb.Money{Minor: minor, Currency: currency}
		return e
	}
	cfg := changed("1", 0, "currency: EUR", "currency: EUR\n  rates: {USD: [{from: '2020-01-01', rate: '0.5'}], JPY: [{from: '2020-01-01', rate: '0.006'}]}")
	out := &topic{}
	err := run(t, t.TempDir(), logOf(t, cfg, buy("1", "EUR", 100), buy("2", "USD", 301), buy("3", "JPY", 1000), buy("4", "GBP", 7), buy("5", "XXX", 7)), out, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range out.table(t) {
		got := map[string]int64{}
		unknown := 0
		for _, st := range s.Trail {
			got[string(st.EventId)] = st.ValueMinor
			unknown += int(st.Flags & 1)
		}
		sum := int64(0)
		for _, v := range got {
			sum += v
		}
		if sum != 100+151+600 || unknown != 2 || s.Flags&(1<<5) == 0 {
			t.Errorf("got %v, %d unknown, flags %b", got, unknown, s.Flags)
		}
	}
}

// Ensure that a clock that is a day ahead moves nothing: W stays, and the times are clamped to the append time and flagged.
func TestAClockAheadIsClamped(t *testing.T) {
	day := 24 * 60 * minute
	ahead := evAt("a", day0+day, day0+day, "1")
	log := logOf(t, config(), tick(day0), ahead, ev("a", day0+2*minute, "2"))
	log[2].AppendTime = day0 + minute
	out := &topic{}
	if err := run(t, t.TempDir(), log, out, 1000, nil); err != nil {
		t.Fatal(err)
	}
	live := out.table(t)
	if len(live) != 1 {
		t.Fatalf("got %d sessions, want one", len(live))
	}
	for _, s := range live {
		if s.StartedAt != day0+minute || s.EndedAt != day0+2*minute {
			t.Errorf("got a session from %+d to %+d", s.StartedAt-day0, s.EndedAt-day0)
		}
	}
	if m := out.records[len(out.records)-1].GetWatermark(); m.W != day0+2*minute-10_000 {
		t.Errorf("W moved to %+d", m.W-day0)
	}
}

// sizes are the bytes that a store holds, by key.
type sizes map[string]int

func (s sizes) Set(k, v []byte) error { s[string(k)] = len(k) + len(v); return nil }
func (s sizes) Delete(k []byte) error { delete(s, string(k)); return nil }

func (s sizes) sum() (n int) {
	for _, b := range s {
		n += b
	}
	return n
}

// BenchmarkFold folds sessions of 20 events, flushed every 1,000 records, with what a real event carries.
func BenchmarkFold(b *testing.B) {
	const sessions, each = 500, 20
	recs := []*pb.Record{config()}
	for i := range int64(sessions * each) {
		e := ev(fmt.Sprintf("0b9f7c1e-0000-4000-8000-%012d", i%sessions), day0+i*10, fmt.Sprint(i))
		e.GetEvent().Entry = &pb.Entry{Channel: "Paid Search", Source: "google", Medium: "cpc", Campaign: "acme-autumn", Device: "mobile", Os: "iOS",
			Browser: "Safari", LandingPath: "/p/shoe-42", ClickIdKind: "gclid", ClickId: "EAIaIQobChMI", Ruleset: "ga4-2025-11"}
		e.GetEvent().Product = "sku-42"
		recs = append(recs, e)
	}
	log := logOf(b, recs...)
	b.ReportAllocs()
	var state sizes
	for b.Loop() {
		state = sizes{}
		f := visitor.NewFold("events.g0", 0, 0)
		for i, r := range log {
			if err := f.Apply(r); err != nil {
				b.Fatal(err)
			}
			if i%1000 == 999 || i == len(log)-1 {
				if _, err := f.Flush(); err != nil {
					b.Fatal(err)
				}
				if err := f.Save(state); err != nil {
					b.Fatal(err)
				}
				f.Saved()
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(log)), "ns/event")
	b.ReportMetric(float64(state.sum())/sessions, "state-B/session")
}
