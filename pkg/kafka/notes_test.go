package kafka_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/pkg/kafka"
)

func TestNotes(t *testing.T) {
	ctx := context.Background()
	c := client(t, harness.Broker(t), kafka.Topic{Name: "x", Partitions: 3})
	expect := func(group string, want ...string) {
		t.Helper()
		if got, err := c.Notes(ctx, group, "x", 3); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v, want %q", group, got, err, want)
		}
	}
	expect("g", "", "", "")
	for p, text := range []string{"first", "", "third"} {
		if err := c.Note(ctx, "g", "x", p, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Note(ctx, "g", "x", 0, "again"); err != nil {
		t.Fatal(err)
	}
	expect("g", "again", "", "third")
	expect("other", "", "", "")
	if err := c.Note(ctx, "g", "x", 0, strings.Repeat("x", kafka.MaxNote+1)); err == nil {
		t.Error("a note that is too long was taken")
	}
}
