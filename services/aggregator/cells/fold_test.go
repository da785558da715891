package cells_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
	"github.com/tributary-data/tributary/services/aggregator/cells"
)

const (
	sessionsTable = "tributary.sessions"
	cellsTable    = "tributary.funnel_cells"
)

// history is what a visitor stage with two zombies wrote: sessions that grow, move and vanish, flushes that end with a
// watermark, and whole flushes written again later. want is the last word on each session.
func history(seed uint64) (recs []*pb.Record, want map[int]*pb.Record) {
	r := rand.New(rand.NewPCG(seed, 2))
	recs, want = []*pb.Record{config()}, map[int]*pb.Record{}
	last := 0
	var flushes [][]*pb.Record
	for offset := int64(10); offset < 2500; offset += 25 {
		var flush []*pb.Record
		for at := range int64(r.IntN(12)) {
			n := last + r.IntN(10)
			rec := session(n, offset+at, int64(n)*5*minute+r.Int64N(20)*minute, []string{"Email", "Direct"}[r.IntN(2)],
				[]string{"page_viewed", "cart_added", "purchased"}[:r.IntN(4)]...)
			if r.IntN(6) == 0 {
				rec = tombstone(n, offset+at)
			}
			flush = slices.DeleteFunc(flush, func(o *pb.Record) bool { // one value per key and flush
				return string(o.GetSession().GetSessionId())+string(o.GetTombstone().GetSessionId()) ==
					string(rec.GetSession().GetSessionId())+string(rec.GetTombstone().GetSessionId())
			})
			flush, want[n] = append(flush, rec), rec
		}
		last += r.IntN(4)
		flush = append(flush, watermark(offset+20, int64(last)*5*minute, int64(last)*5*minute-1))
		if r.IntN(5) == 0 { // the writer died inside this flush, and wrote it again
			recs = append(recs, flush[:r.IntN(len(flush))]...)
		}
		recs = append(recs, flush...)
		flushes = append(flushes, flush)
		if r.IntN(4) == 0 { // a zombie wakes up
			recs = append(recs, flushes[r.IntN(len(flushes))]...)
		}
	}
	return recs, want
}

// Ensure that the sessions and cells are those of the last word on each session, whatever was repeated, and that flush
// positions show neither in the tables nor in the store.
func TestTablesEqualARecount(t *testing.T) {
	for seed := range uint64(10) {
		recs, want := history(seed)
		fresh := []*pb.Record{config()}
		for n := range len(want) + 2500 {
			if r := want[n]; r != nil && r.Kind == pb.Kind_KIND_SESSION {
				fresh = append(fresh, r)
			}
		}
		recount := newTables()
		if err := run(t, t.TempDir(), fresh, recount, 0, nil); err != nil {
			t.Fatal(err)
		}
		if n := len(recount.text(cellsTable)); n < 50 {
			t.Fatalf("the history makes %d cells only", n)
		}
		var store []string
		for _, flush := range []int{1000, 7, 1} {
			dir, out := t.TempDir(), newTables()
			if err := run(t, dir, recs, out, flush, nil); err != nil {
				t.Fatal(err)
			}
			for _, table := range []string{sessionsTable, cellsTable} {
				if got, want := out.text(table), recount.text(table); !slices.Equal(got, want) {
					t.Errorf("seed %d, flush %d, %s:\n%s", seed, flush, table, difference(got, want))
				}
			}
			got := content(t, dir)
			if store != nil && !slices.Equal(got, store) {
				t.Errorf("seed %d: the store differs with flushes of %d:\n%s", seed, flush, difference(got, store))
			}
			store = got
		}
	}
}

func difference(got, want []string) (out string) {
	for _, g := range got {
		if !slices.Contains(want, g) {
			out += "got  " + g + "\n"
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			out += "want " + w + "\n"
		}
	}
	return out
}

func TestCrashAtEachFailPoint(t *testing.T) {
	recs, _ := history(77)
	clean, cleanDir := newTables(), t.TempDir()
	if err := run(t, cleanDir, recs, clean, 40, nil); err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{stream.StepApplied, stream.StepFlushed, stream.StepWritten, stream.StepCommitted} {
		for nth := 1; nth <= 4; nth++ {
			dir, out, seen := t.TempDir(), newTables(), 0
			err := run(t, dir, recs, out, 40, func(s string) error {
				if s == step {
					if seen++; seen == nth {
						return errors.New("planted crash")
					}
				}
				return nil
			})
			if err == nil {
				t.Fatalf("%s %d: no crash happened", step, nth)
			}
			if err := run(t, dir, recs, out, 27, nil); err != nil {
				t.Fatal(err)
			}
			for table := range keys {
				if got, want := out.text(table), clean.text(table); !slices.Equal(got, want) {
					t.Errorf("crash %d at %s, %s:\n%s", nth, step, table, difference(got, want))
				}
			}
			if got, want := content(t, dir), content(t, cleanDir); !slices.Equal(got, want) {
				t.Errorf("crash %d at %s: the store differs:\n%s", nth, step, difference(got, want))
			}
		}
	}
}

// Ensure that a bridge takes two units off and puts one on: cells −2 +1, and one tombstone row.
func TestBridge(t *testing.T) {
	out := newTables()
	recs := []*pb.Record{config(), session(1, 1, 0, "Email", "page_viewed"), session(2, 2, 50*minute, "Email", "page_viewed"), watermark(2, 0, -1),
		session(1, 3, 0, "Email", "page_viewed", "page_viewed", "page_viewed"), tombstone(2, 3), watermark(3, 0, -1)}
	if err := run(t, t.TempDir(), recs, out, 1, nil); err != nil {
		t.Fatal(err)
	}
	if got := len(out.text(sessionsTable)); got != 1 || len(out.rows[sessionsTable]) != 2 {
		t.Errorf("got %d live of %d session rows, want 1 of 2", got, len(out.rows[sessionsTable]))
	}
	for _, basis := range []string{"entry", "occurrence"} {
		for _, window := range []uint32{60, 900} {
			units, n := int64(0), 0
			for _, row := range out.rows[cellsTable] {
				if row["basis"] == basis && row["window_seconds"] == window {
					n++
					units += row["units"].([]int64)[0]
				}
			}
			if units != 1 || n != 2 {
				t.Errorf("%s, %d s: got %d units in %d cells, want 1 in 2: the emptied cell stays as a zero row", basis, window, units, n)
			}
		}
	}
}

// Ensure that a cell's version is the place in the log that is folded here, not that of the source.
func TestVersionsAreOfTheFoldedLog(t *testing.T) {
	out := newTables()
	if err := run(t, t.TempDir(), []*pb.Record{config(), session(1, 900, 0, "Email", "x"), watermark(901, 5, 1)}, out, 0, nil); err != nil {
		t.Fatal(err)
	}
	for table, want := range map[string]uint64{sessionsTable: 1, cellsTable: 1, "tributary.progress": 2} {
		for _, row := range out.rows[table] {
			if row["version"] != want {
				t.Errorf("%s: got version %v, want %d", table, row["version"], want)
			}
		}
	}
}

// Ensure that progress speaks of the lane's own marks, and only of the highest watermark record.
func TestProgress(t *testing.T) {
	out := newTables()
	if err := run(t, t.TempDir(), []*pb.Record{config(), watermark(50, 5000, 3000), watermark(40, 4000, 2000)}, out, 1, nil); err != nil {
		t.Fatal(err)
	}
	for _, row := range out.rows["tributary.progress"] {
		if got := fmt.Sprint(row["watermark"], row["final"], row["offset"]); got != "1970-01-01 00:00:05 +0000 UTC 1970-01-01 00:00:03 +0000 UTC 3" {
			t.Errorf("got %s", got)
		}
	}
}

// Ensure that final state is evicted and that a zombie's repeat of it changes nothing afterwards.
func TestEvictionKeepsTheTables(t *testing.T) {
	zombie := session(1, 1, 0, "Email", "page_viewed")
	recs := []*pb.Record{config(), zombie, session(1, 5, 0, "Email", "page_viewed", "cart_added"), tombstone(2, 6),
		session(3, 9, minute, "Email", "page_viewed"), watermark(9, 10*minute, 20*minute)}
	out, dir := newTables(), t.TempDir()
	if err := run(t, dir, recs, out, 0, nil); err != nil {
		t.Fatal(err)
	}
	for _, line := range content(t, dir) {
		if line[1] == 'u' || line[1] == 'k' {
			t.Errorf("not evicted: %s", line)
		}
	}
	want := out.text(cellsTable)
	if err := run(t, dir, append(recs, zombie, session(1, 5, 0, "Email"), session(3, 9, minute, "Email", "page_viewed"), watermark(2, 0, 0)), out, 0, nil); err != nil {
		t.Fatal(err)
	}
	if got := out.text(cellsTable); !slices.Equal(got, want) || len(want) != 6 {
		t.Errorf("after the repeats:\n%s", difference(got, want))
	}
}

// Ensure that a session counts under the funnel version that its entry's time has in force, also when the setting arrives
// only with the sessions that it governs.
func TestFunnelVersionChanges(t *testing.T) {
	change := config()
	change.GetConfig().ConfigId, change.GetConfig().EffectiveFrom = "2", 60*minute
	change.GetConfig().File = bytes.Replace(bytes.Replace(stores.Demo(), []byte("version: 1"), []byte("version: 2"), 1), []byte("        - {action: cart_added}\n"), nil, 1)
	before := session(1, 1, 59*minute, "Email", "cart_added", "purchased")
	after := func(offset int64) *pb.Record {
		return session(2, offset, 60*minute, "Email", "cart_added", "purchased")
	}
	for name, recs := range map[string][]*pb.Record{
		"in time": {config(), change, before, after(2), watermark(3, 5, 1)},
		"late":    {config(), before, after(2), watermark(3, 5, 1), change, after(9), watermark(9, 5, 1)},
	} {
		for _, flush := range []int{1, 100} {
			dir, out := t.TempDir(), newTables()
			if err := run(t, dir, recs[:len(recs)-1], out, flush, nil); err != nil { // and again from the store
				t.Fatal(err)
			}
			if err := run(t, dir, recs, out, flush, nil); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, row := range out.rows[cellsTable] {
				if row["basis"] == "entry" && row["window_seconds"] == uint32(900) && !allZero(row["units"]) {
					got = append(got, fmt.Sprint(row["funnel_version"], row["units"]))
				}
			}
			slices.Sort(got)
			if want := []string{"1 [1 1 1 1 1 1 1]", "2 [1 1 1 1 1 1]"}; !slices.Equal(got, want) {
				t.Errorf("%s, flush %d: got %q, want %q", name, flush, got, want)
			}
		}
	}
}

// Ensure that a zombie's older value does not go over a newer one, before any watermark record has passed.
func TestOldVersionsAreDropped(t *testing.T) {
	out := newTables()
	recs := []*pb.Record{config(), session(1, 10, 0, "Email", "cart_added"), session(1, 5, 0, "Direct"), tombstone(2, 9), session(2, 8, 0, "Email")}
	if err := run(t, t.TempDir(), recs, out, 1, nil); err != nil {
		t.Fatal(err)
	}
	live := out.text(sessionsTable)
	if len(live) != 1 || !strings.Contains(live[0], "channel=Email") || !strings.Contains(live[0], "events=1") {
		t.Errorf("got %q", live)
	}
}

// Ensure that one log makes one store, byte for byte, however often it is folded: no order of a map reaches it.
func TestOneLogMakesOneStore(t *testing.T) {
	recs := []*pb.Record{config()}
	for i := range 40 { // all in one cell, each with a time of its own
		s := session(i, int64(i+1), 0, "Email", "cart_added", "purchased")
		for _, st := range s.GetSession().Trail {
			st.Ts += int64(1000) << (i % 12)
		}
		recs = append(recs, s)
	}
	var want []string
	for range 5 {
		dir := t.TempDir()
		if err := run(t, dir, recs, newTables(), 7, nil); err != nil {
			t.Fatal(err)
		}
		got := content(t, dir)
		if want != nil && !slices.Equal(got, want) {
			t.Fatal("the stores differ")
		}
		want = got
	}
}

func BenchmarkFold(b *testing.B) {
	recs := []*pb.Record{config()}
	for i := range int64(5000) {
		recs = append(recs, session(int(i%800), i+1, i%800*minute, "Email", "page_viewed", "product_viewed", "cart_added"))
	}
	src := newSource(b, recs, 0)
	var log []stream.Record
	for batch := range src.Batches() {
		log = append(log, batch.Records...)
	}
	b.ReportAllocs()
	for b.Loop() {
		f := cells.New(0, 0, 0)
		for _, r := range log {
			if err := f.Apply(r); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := f.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(log)), "ns/session")
}
