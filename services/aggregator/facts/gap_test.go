package facts_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/aggregator/facts"
)

// Ensure that a gap becomes a row with the first record after it, and that a buried record has one among the dead letters.
func TestGapAndBury(t *testing.T) {
	f := facts.New(0, 0, 3)
	rows := func(name string) (out []string) {
		t.Helper()
		s, err := f.Flush()
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range s.Data {
			for _, r := range in.Rows {
				if in.Table.Name == name {
					out = append(out, fmt.Sprint(r[:7]...))
				}
			}
		}
		f.Saved()
		return out
	}
	f.Gap(0, 40)
	if got := rows("tributary.gaps"); len(got) > 0 {
		t.Errorf("before its end is known: %q", got)
	}
	if err := f.Apply(record(t, 40, &pb.Record{Kind: pb.Kind_KIND_TICK, IngestTs: hour})); err != nil {
		t.Fatal(err)
	}
	if got, want := rows("tributary.gaps"), []string{"0events0 3 0 40 40"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	f.Bury(stream.Record{Offset: 41, Value: []byte("x")}, "why")
	if got := rows("tributary.dead_letters"); len(got) != 1 {
		t.Errorf("buried: %q", got)
	}
}
