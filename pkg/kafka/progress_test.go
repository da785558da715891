package kafka

import (
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/pkg/stream"
)

// Ensure that progress which the coordinator refused is sent again, although nothing has changed since.
func TestRefusedProgress(t *testing.T) {
	client, err := NewClient(Config{Brokers: harness.Broker(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if err := client.EnsureTopics(t.Context(), []Topic{{Name: "x", Partitions: 1}}, 1); err != nil {
		t.Fatal(err)
	}
	progress := map[int32]stream.Progress{0: {Position: stream.From(7), Watermark: 5, At: time.UnixMilli(9)}}
	said := func() Committed {
		t.Helper()
		list, err := client.Progress(t.Context(), "g", "x", 1)
		if err != nil {
			t.Fatal(err)
		}
		return list[0]
	}
	c := &committer{client: client, topic: "x", by: "me", member: member{group: "g", generation: 3, id: "nobody"}}
	c.commit(t.Context(), progress)
	if got := said(); got.Next != -1 {
		t.Fatalf("a stranger's commit was taken: %+v", got)
	}
	c.member = member{group: "g", generation: -1}
	c.commit(t.Context(), progress)
	if got := said(); got != (Committed{Next: 7, Note: Note{Watermark: 5, At: 9, Instance: "me"}}) {
		t.Errorf("the group says %+v", got)
	}
}
