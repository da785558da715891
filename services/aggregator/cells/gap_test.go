package cells_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/aggregator/cells"
)

// rowsOf are a table's rows of a fold's next flush, as text.
func rowsOf(t *testing.T, f *cells.Fold, name string) (out []string) {
	t.Helper()
	s, err := f.Flush()
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range s.Data {
		for _, r := range in.Rows {
			if in.Table.Name == name {
				out = append(out, fmt.Sprint(r...))
			}
		}
	}
	f.Saved()
	return out
}

func apply(t *testing.T, f *cells.Fold, offset int64, r *pb.Record) {
	t.Helper()
	b, err := r.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Apply(stream.Record{Offset: offset, Value: b}); err != nil {
		t.Fatal(err)
	}
}

// Ensure that a gap of the stage before becomes a row, once; and that one in the fold's own log does with the next watermark.
func TestGaps(t *testing.T) {
	f := cells.New(0, 0, 3)
	apply(t, f, 0, &pb.Record{Kind: pb.Kind_KIND_GAP, Source: &pb.Source{Partition: 7, Offset: 50},
		Body: &pb.Record_Gap{Gap: &pb.Gap{FromOffset: 10, ToOffset: 50, FromTs: 1000, ToTs: 2000}}})
	if got, want := rowsOf(t, f, "tributary.gaps"), []string{"0visitor0 7 10 0 50 1970-01-01 00:00:01 +0000 UTC 1970-01-01 00:00:02 +0000 UTC"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	apply(t, f, 1, watermark(60, 5000, 3000))
	f.Gap(2, 9)
	if got := rowsOf(t, f, "tributary.gaps"); len(got) > 0 {
		t.Errorf("before its end is known: %q", got)
	}
	apply(t, f, 9, watermark(70, 9000, 4000))
	if got, want := rowsOf(t, f, "tributary.gaps"), []string{"0sessions0 3 2 9 9 1970-01-01 00:00:03 +0000 UTC 1970-01-01 00:00:09 +0000 UTC"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	f.Bury(stream.Record{Offset: 10, Value: []byte("x")}, "why")
	if got := rowsOf(t, f, "tributary.dead_letters"); len(got) != 1 {
		t.Errorf("buried: %q", got)
	}
	if got := append(rowsOf(t, f, "tributary.gaps"), rowsOf(t, f, "tributary.dead_letters")...); len(got) > 0 {
		t.Errorf("said again: %q", got)
	}
}
