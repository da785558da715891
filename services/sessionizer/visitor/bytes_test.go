package visitor_test

import (
	"slices"
	"testing"

	"github.com/tributary-data/tributary/pkg/state"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/services/sessionizer/visitor"
)

// wiping spoils the bytes of each record once it is applied, as memory does that is used again.
type wiping struct {
	*visitor.Fold
}

func (w wiping) Apply(r stream.Record) error {
	r.Key, r.Value = slices.Clone(r.Key), slices.Clone(r.Value)
	err := w.Fold.Apply(r)
	for _, b := range [][]byte{r.Key, r.Value} {
		for i := range b {
			b[i] = 0xff
		}
	}
	return err
}

// Ensure that the fold keeps none of a record's bytes, so that the memory of fetched batches may be used again.
func TestKeepsNoBytes(t *testing.T) {
	for seed := range uint64(5) {
		log := traffic(t, seed)
		wantDir, want := t.TempDir(), &topic{}
		if err := run(t, wantDir, log, want, 7, nil); err != nil {
			t.Fatal(err)
		}
		dir, got := t.TempDir(), &topic{}
		st, err := state.Open(dir, state.Options{})
		if err != nil {
			t.Fatal(err)
		}
		c := stream.Config{FlushEvery: 1 << 62, FlushRecords: 7}
		err = stream.NewLoop(c, newSource(log, 0, 5), stream.Fold[visitor.Output](wiping{visitor.NewFold("events.g0", 0, 3)}), got, st).Run(t.Context())
		if err != nil || st.Close() != nil {
			t.Fatal(err)
		}
		if !slices.Equal(content(t, dir), content(t, wantDir)) {
			t.Errorf("seed %d: the store holds bytes of records", seed)
		}
		sameTables(t, got.table(t), want.table(t))
	}
}
