package exact_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/aggregator/cells"
	"github.com/tributary-data/tributary/services/sessionizer/visitor"
)

// owner folds a part of one partition's log, from a commit of somebody on, and writes into the lane. Several may do so at once:
// one of them is the owner, the others do not know that they are none any more.
type owner struct {
	log  []stream.Record
	fold *visitor.Fold
	at   int
	lane [][]byte // what it wrote, in order
}

// takeOver is an owner whose state is that of a commit at offset at.
func takeOver(t *rapid.T, log []stream.Record, at int) *owner {
	o := &owner{log: log, fold: visitor.NewFold("events.g0", 0, 0)}
	o.apply(t, at)
	if _, err := o.fold.Flush(); err != nil { // what was written before that commit
		t.Fatal(err)
	}
	o.fold.Saved()
	return o
}

func (o *owner) apply(t *rapid.T, to int) {
	for ; o.at < to; o.at++ {
		if err := o.fold.Apply(o.log[o.at]); err != nil {
			t.Fatal(err)
		}
	}
}

// flush folds up to an offset and writes; with most below 100 it dies after that percentage of its messages.
func (o *owner) flush(t *rapid.T, to, most int) {
	o.apply(t, to)
	out, err := o.fold.Flush()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range out.Sessions[:len(out.Sessions)*most/100] {
		o.lane = append(o.lane, m.Value)
	}
	o.fold.Saved()
}

// timeline is a log in which days pass, so that much is final and evicted before it ends.
func timeline(t *rapid.T) (log []stream.Record) {
	add := func(r *pb.Record) {
		log = append(log, stream.Record{Offset: int64(len(log)), Value: must(t, r)})
	}
	add(&pb.Record{Kind: pb.Kind_KIND_CONFIG, Store: "s", Body: &pb.Record_Config{Config: &pb.Config{ConfigId: "1", File: []byte(storeFile)}}})
	now := int64(start)
	for i := range rapid.IntRange(4, 30).Draw(t, "records") {
		now += rapid.SampledFrom([]int64{1000, minute, 20 * minute, 40 * minute, 26 * 60 * minute}).Draw(t, "pause")
		if rapid.IntRange(0, 4).Draw(t, "tick") == 0 {
			add(&pb.Record{Kind: pb.Kind_KIND_TICK, IngestTs: now, Body: &pb.Record_Tick{Tick: &pb.Tick{}}})
			continue
		}
		h := happening{id: fmt.Sprintf("%02d", i), channel: rapid.SampledFrom([]string{"Direct", "Email"}).Draw(t, "channel"), interactive: true,
			ts:     now - rapid.SampledFrom([]int64{0, 0, minute, 25 * minute, 3 * 60 * minute, 30 * 60 * minute}).Draw(t, "age"),
			action: rapid.SampledFrom([]string{"page_viewed", "product_viewed", "cart_added", "purchased"}).Draw(t, "action"),
			user:   rapid.SampledFrom([]string{"", "", "u"}).Draw(t, "user")}
		log = append(log, stream.Record{Offset: int64(len(log)), Value: record(t, h, now)})
	}
	return log
}

// boundaries are offsets, in order, at which an owner flushes, from one on to another.
func boundaries(t *rapid.T, from, to int) []int {
	list := rapid.SliceOfN(rapid.IntRange(from, to), 0, 5).Draw(t, "boundaries")
	slices.Sort(list)
	return list
}

// commit is an offset whose outputs, and all before, are in the lane up to written.
type commit struct{ at, written int }

// chain is the work of those who own the partition one after the other: each begins at the last commit of the one before, which
// may have died in the middle of the next flush. It returns what they wrote and where commits are.
func chain(t *rapid.T, log []stream.Record) (lane [][]byte, commits []commit) {
	commits = []commit{{}}
	for last := 0; last < len(log); {
		o := takeOver(t, log, last)
		for _, to := range boundaries(t, last, len(log)) {
			o.flush(t, to, 100)
			last = to
			commits = append(commits, commit{to, len(lane) + len(o.lane)})
		}
		if rapid.Bool().Draw(t, "dies") {
			o.flush(t, rapid.IntRange(last, len(log)).Draw(t, "dies at"), rapid.IntRange(0, 99).Draw(t, "percent"))
		} else {
			o.flush(t, len(log), 100)
			last = len(log)
		}
		lane = append(lane, o.lane...)
	}
	return lane, commits
}

// zombie folds on from a commit, for as long as it likes, and dies in the middle of a flush.
func zombie(t *rapid.T, log []stream.Record, from int) [][]byte {
	o := takeOver(t, log, from)
	for _, to := range boundaries(t, from, len(log)) {
		o.flush(t, to, 100)
		from = to
	}
	o.flush(t, rapid.IntRange(from, len(log)).Draw(t, "zombie dies at"), rapid.IntRange(0, 99).Draw(t, "zombie percent"))
	return o.lane
}

// mingle puts two lanes into one, each in its order; much of the second may come after all of the first.
func mingle(t *rapid.T, a, b [][]byte) (out [][]byte) {
	for len(a) > 0 && len(b) > 0 {
		if rapid.IntRange(0, 3).Draw(t, "who") > 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// tables are what the second fold makes of a lane, by key, without versions and places.
func tables(t *rapid.T, lane [][]byte) (out []string) {
	p := &pipeline{cells: cells.New(0, 0, 0), rows: map[string]map[string]any{}}
	for i, value := range lane {
		if err := p.cells.Apply(stream.Record{Offset: int64(i), Value: value}); err != nil {
			t.Fatal(err)
		}
		if i == len(lane)-1 || rapid.IntRange(0, 5).Draw(t, "flush") == 0 {
			rows, err := p.cells.Flush()
			if err != nil {
				t.Fatal(err)
			}
			p.write(rows)
			p.cells.Saved()
		}
	}
	for _, row := range p.rows {
		delete(row, "version")
		if units, ok := row["units"].([]int64); ok && slices.Max(units) == 0 && slices.Max(row["open_units"].([]int64)) == 0 {
			continue // a cell that came and went; a clean run may never have had it
		}
		if row["deleted"] == uint8(1) {
			continue // so may a session
		}
		out = append(out, fmt.Sprint(row))
	}
	slices.Sort(out)
	return out
}

// Ensure that zombies need no fence: owners that die in the middle of a flush, others that fold on from old commits with flushes of
// their own, and wake up after the sessions that they speak of were evicted, leave the tables as one undisturbed owner does.
func TestZombies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := timeline(t)
		calm := takeOver(t, log, 0)
		calm.flush(t, len(log), 100)
		want := tables(t, calm.lane)
		lane, commits := chain(t, log)
		from := rapid.SampledFrom(commits).Draw(t, "zombie's commit") // it writes after what that commit waited for
		lane = append(slices.Clone(lane[:from.written]), mingle(t, lane[from.written:], zombie(t, log, from.at))...)
		if got := tables(t, lane); !slices.Equal(got, want) {
			t.Fatalf("got\n%q\nwant\n%q", got, want)
		}
	})
}
