package brokers_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/tributary-data/tributary/pkg/kafka/kafkatest"
)

// settle ends the load and holds what is stored, and what was read, against what was acknowledged.
func (l *load) settle(t *testing.T) {
	t.Helper()
	l.endWrites()
	ranges, err := l.client.Offsets(t.Context(), l.topic, partitions)
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the reader to come to the end", func() error {
		for i, r := range ranges {
			if got := l.lanes[i].read.Load(); got != r.Last {
				return fmt.Errorf("partition %d is read to %d, it ends at %d", i, got, r.Last)
			}
		}
		return nil
	})
	l.endReads()
	var acked, stored, repeated, renewed int64
	for i := range l.lanes {
		log, err := kafkatest.Log(t.Context(), l.cluster.Brokers(), l.topic, i, 0)
		if err != nil {
			t.Fatal(err)
		}
		w, err := judge(log)
		if err != nil {
			t.Errorf("partition %d: %v", i, err)
		}
		a := l.lanes[i].acked.Load()
		if w.numbers != a || w.records != ranges[i].Last {
			t.Errorf("partition %d: %d acknowledged, %d stored in %d records of %d", i, a, w.numbers, w.records, ranges[i].Last)
		}
		if got, want := l.lanes[i].epoch.Load(), log[len(log)-1].LeaderEpoch; got != want {
			t.Errorf("partition %d: the reader's position has leader epoch %d, the last batch %d", i, got, want)
		}
		acked, stored, repeated, renewed = acked+a, stored+w.numbers, repeated+w.records-w.numbers, renewed+w.renewed
	}
	t.Logf("brokers: acknowledged %d, stored %d, repeats %d where lanes took %d new producer ids, difference %d", acked, stored, repeated, renewed, acked-stored)
}

// written is what a partition's log holds.
type written struct {
	numbers, records int64
	renewed          int64 // producer ids after the first
}

// judge finds numbers that are missing, out of order, or repeated by the producer id that wrote them first.
func judge(log []kafkatest.Batch) (w written, err error) {
	used := map[int64]bool{}
	for i, b := range log {
		fresh := i == 0 || b.ProducerID != log[i-1].ProducerID
		if fresh && used[b.ProducerID] {
			return w, fmt.Errorf("offset %d: producer %d writes again after another one", b.Base, b.ProducerID)
		}
		if fresh && i > 0 {
			w.renewed++
		}
		used[b.ProducerID] = true
		for j, v := range b.Values {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return w, err
			}
			switch offset := b.Base + int64(j); {
			case offset != w.records:
				return w, fmt.Errorf("offset %d follows %d", offset, w.records-1)
			case n > w.numbers:
				return w, fmt.Errorf("offset %d holds %d where %d was due", offset, n, w.numbers)
			case n < w.numbers && !fresh:
				return w, fmt.Errorf("offset %d holds %d again, where %d was due, and producer %d is none that took over", offset, n, w.numbers, b.ProducerID)
			}
			w.records++
			w.numbers = max(w.numbers, n+1)
		}
	}
	return w, nil
}

// Ensure that the judge sees what it is there for.
func TestJudge(t *testing.T) {
	one := func(base, producer int64, values ...string) kafkatest.Batch {
		return kafkatest.Batch{Base: base, ProducerID: producer, Values: values}
	}
	for _, c := range []struct {
		name string
		log  []kafkatest.Batch
		good bool
	}{
		{"in order", []kafkatest.Batch{one(0, 1, "0", "1"), one(2, 1, "2")}, true},
		{"a repeat by a new producer", []kafkatest.Batch{one(0, 1, "0", "1"), one(2, 2, "0", "1"), one(4, 2, "2")}, true},
		{"a repeat by the same producer", []kafkatest.Batch{one(0, 1, "0"), one(1, 1, "0")}, false},
		{"a repeat later on", []kafkatest.Batch{one(0, 1, "0"), one(1, 2, "1"), one(2, 2, "0")}, false},
		{"lost", []kafkatest.Batch{one(0, 1, "0"), one(1, 1, "2")}, false},
		{"out of order", []kafkatest.Batch{one(0, 1, "1"), one(1, 1, "0")}, false},
		{"a zombie", []kafkatest.Batch{one(0, 1, "0"), one(1, 2, "1"), one(2, 1, "2")}, false},
		{"a hole", []kafkatest.Batch{one(0, 1, "0"), one(2, 1, "1")}, false},
	} {
		if _, err := judge(c.log); (err == nil) != c.good {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
