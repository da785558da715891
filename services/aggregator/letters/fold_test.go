package letters_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/aggregator/letters"
)

// Ensure that a stage's letter is keyed by where it comes from and ingest's by its own place, and that damage is skipped.
func TestRows(t *testing.T) {
	f := letters.New(0, 0, 5)
	letter := func(d *pb.DeadLetter) []byte {
		b, err := (&pb.Record{Kind: pb.Kind_KIND_DEAD_LETTER, Store: "demo", Body: &pb.Record_DeadLetter{DeadLetter: d}}).MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for i, v := range [][]byte{letter(&pb.DeadLetter{Reason: "a", Original: []byte("x")}), []byte("\xff"),
		letter(&pb.DeadLetter{Reason: "b", Topic: "events.g0", Partition: 3, Offset: 77})} {
		if err := f.Apply(stream.Record{Offset: int64(i), Value: v}); err != nil && !errors.Is(err, stream.ErrPoison) {
			t.Fatal(err)
		}
	}
	s, err := f.Flush()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range s.Data[0].Rows {
		got = append(got, fmt.Sprint(r[1:4]...)+" "+r[6].(string))
	}
	if want := []string{"dead-letters5 0 a", "events.g03 77 b"}; !slices.Equal(got, want) || f.Skipped() != 1 {
		t.Errorf("got %q, %d skipped, want %q", got, f.Skipped(), want)
	}
	f.Saved()
	if s, _ := f.Flush(); len(s.Data) != 0 {
		t.Error("what is durable is written again")
	}
}
