package facts_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/state"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/services/aggregator/facts"
)

var errCrash = errors.New("crash")

// tables hold what was written, by table and by the row without repeats: equal rows are one. Of the intake the last counts.
type tables map[string]bool

func (w tables) Write(_ context.Context, s clickhouse.Submission) error {
	for _, in := range s.Data {
		for _, row := range rowsOf(in) {
			if in.Table.Name == "tributary.intake" {
				key := fmt.Sprint(in.Table.Name, row[:4])
				maps.DeleteFunc(w, func(k string, _ bool) bool { return len(k) > len(key) && k[:len(key)] == key })
				w[key+fmt.Sprint(row)] = true
				continue
			}
			w[fmt.Sprint(in.Table.Name, row)] = true
		}
	}
	return nil
}

// closed delivers a log in one batch and ends.
type closed struct{ batches chan stream.Batch }

func (c closed) Batches() <-chan stream.Batch { return c.batches }
func (closed) Err() error                     { return nil }

// crashing folds the log with the store in dir until its end, or until fail returns an error.
func crashing(t *testing.T, dir string, log []stream.Record, out tables, flush int, fail func(string) error) error {
	t.Helper()
	st, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	f, next := facts.New(0, 0, 3), st.Position().Next
	if err := f.Load(st, next); err != nil {
		t.Fatal(err)
	}
	source := closed{make(chan stream.Batch, len(log)+1)}
	for i := next; i < int64(len(log)); i += 9 {
		end := min(i+9, int64(len(log)))
		source.batches <- stream.Batch{Records: log[i:end], Next: end}
	}
	close(source.batches)
	return stream.NewLoop(stream.Config{FlushEvery: 1 << 62, FlushRecords: flush, FailPoint: fail}, source, f, out, st).Run(context.Background())
}

// stored is a whole store, key by key.
func stored(t *testing.T, dir string) (out []string) {
	t.Helper()
	st, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := st.Each(nil, func(k, v []byte) error { out = append(out, fmt.Sprintf("%q=%x", k, v)); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// Ensure that a crash at any step of any flush repeats work, and changes neither a row nor a byte of the store (C3).
func TestCrashAtEachFailPoint(t *testing.T) {
	var log []stream.Record
	for i := range int64(200) {
		r := eventAt(i*hour/2-i%7*20*hour, i*hour/2, fmt.Sprint(i-i%5/4)) // each fifth is a repeat
		if i == 0 {
			r = config()
		}
		log = append(log, record(t, i, r))
	}
	cleanDir, clean := t.TempDir(), tables{}
	if err := crashing(t, cleanDir, log, clean, 50, nil); err != nil {
		t.Fatal(err)
	}
	// 47 records end in the middle of an hour: what is counted by hours has to be remembered.
	for _, step := range []string{stream.StepApplied, stream.StepFlushed, stream.StepWritten, stream.StepCommitted} {
		for nth := 1; nth <= 4; nth++ {
			dir, out, seen := t.TempDir(), tables{}, 0
			err := crashing(t, dir, log, out, 47, func(s string) error {
				if s == step {
					if seen++; seen == nth {
						return errCrash
					}
				}
				return nil
			})
			if !errors.Is(err, errCrash) {
				t.Fatalf("%s %d: no crash happened: %v", step, nth, err)
			}
			if err := crashing(t, dir, log, out, 33, nil); err != nil {
				t.Fatal(err)
			}
			if got, want := slices.Sorted(maps.Keys(out)), slices.Sorted(maps.Keys(clean)); !slices.Equal(got, want) {
				t.Errorf("%s %d: %d rows, want the same %d", step, nth, len(got), len(want))
			}
			if !slices.Equal(stored(t, dir), stored(t, cleanDir)) {
				t.Errorf("%s %d: the store differs", step, nth)
			}
		}
	}
}
