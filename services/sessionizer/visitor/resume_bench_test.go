package visitor_test

import (
	"fmt"
	"testing"

	"github.com/tributary-data/tributary/pkg/state"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/services/sessionizer/visitor"
)

// BenchmarkResume opens a store of 100,000 open sessions of three events each and loads the fold: what a partition does after a kill.
func BenchmarkResume(b *testing.B) {
	const visitors = 100_000
	dir := b.TempDir()
	st, err := state.Open(dir, state.Options{})
	if err != nil {
		b.Fatal(err)
	}
	f := visitor.NewFold("events.g0", 0, 3)
	at := stream.Start()
	apply := func(r stream.Record) {
		r.Offset = at.Next
		if err := f.Apply(r); err != nil {
			b.Fatal(err)
		}
		at.Next++
		if at.Next%20_000 == 0 {
			if _, err := f.Flush(); err != nil {
				b.Fatal(err)
			}
			if err := st.Commit(at, f.Save); err != nil {
				b.Fatal(err)
			}
			f.Saved()
		}
	}
	apply(logOf(b, config())[0])
	for i := range int64(3 * visitors) {
		ts := day0 + i/visitors*minute
		apply(logOf(b, evAt(fmt.Sprintf("visitor-%07d", i%visitors), ts, ts, fmt.Sprint(i)))[0])
	}
	if err := st.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		st, err := state.Open(dir, state.Options{})
		if err != nil {
			b.Fatal(err)
		}
		f := visitor.NewFold("events.g0", 0, 3)
		if err := f.Load(st, st.Position().Next); err != nil {
			b.Fatal(err)
		}
		if err := st.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*visitors), "ns/session")
}
