package facts

import (
	"testing"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// FuzzDecode: memory that is used again, and texts that alias the record, make no difference to what is read.
func FuzzDecode(f *testing.F) {
	full := &pb.Record{Kind: pb.Kind_KIND_EVENT, Store: "s", IngestTs: 5, Body: &pb.Record_Event{Event: &pb.Event{EventId: []byte("0123456789abcdef"), Visitor: "v",
		Action: event.Refunded, Entry: &pb.Entry{Channel: "Email", Variants: map[string]string{"a": "b"}}, Money: &pb.Money{Minor: 5, Currency: "EUR"}, Properties: []byte("{}")}}}
	bare := &pb.Record{Kind: pb.Kind_KIND_EVENT, Store: "s", Body: &pb.Record_Event{Event: &pb.Event{EventId: []byte("0"), Action: event.Refunded}}}
	for _, r := range []*pb.Record{full, bare, {Kind: pb.Kind_KIND_EVENT}, {Kind: pb.Kind_KIND_TICK, Body: &pb.Record_Tick{Tick: &pb.Tick{}}},
		{Kind: pb.Kind_KIND_CONFIG, Body: &pb.Record_Config{Config: &pb.Config{ConfigId: "1"}}}} {
		b, err := r.MarshalVT()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	used, err := full.MarshalVT()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var d reading
		if _, err := d.decode(used); err != nil {
			t.Fatal(err)
		}
		got, err := d.decode(b)
		want := &pb.Record{}
		if werr := want.UnmarshalVT(b); (werr == nil) != (err == nil) {
			t.Fatalf("got %v, want %v", err, werr)
		}
		if err != nil {
			return
		}
		e, w := got.GetEvent(), want.GetEvent()
		if (e == nil) != (w == nil) {
			t.Fatalf("got %v, want %v", got, want)
		}
		if w != nil {
			if w.Action == event.Refunded && (e.Money == nil) != (w.Money == nil) {
				t.Fatalf("money of a refund: got %v, want %v", e.Money, w.Money)
			}
			if w.Entry == nil {
				w.Entry = &pb.Entry{}
			}
			if w.Money == nil {
				w.Money = &pb.Money{}
			}
			if e.Entry == nil {
				e.Entry = &pb.Entry{}
			}
			if e.Money == nil {
				e.Money = &pb.Money{}
			}
		}
		if !got.EqualVT(want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}
