package records_test

import (
	"testing"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/internal/records"
)

// FuzzRead: memory that is used again, and texts that alias the record, make no difference to what is read.
func FuzzRead(f *testing.F) {
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
		var d records.Reader
		if _, err := d.Read(used); err != nil {
			t.Fatal(err)
		}
		got, err := d.Read(b)
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

// BenchmarkRead beside what it spares: memory of its own for each record.
func BenchmarkRead(b *testing.B) {
	r := &pb.Record{Kind: pb.Kind_KIND_EVENT, Store: "demo", IngestTs: 1_790_000_000_000, Body: &pb.Record_Event{Event: &pb.Event{
		EventId: []byte("0123456789abcdef"), Visitor: "v", User: "u", Action: "cart_added", Interactive: true, EventTs: 1_789_999_999_000, MessageId: "mid",
		PayloadHash: 1 << 63, Url: "https://shop.example/", Path: "/", Title: "t", Referrer: "r", Entry: &pb.Entry{Channel: "Email", Device: "mobile",
			LandingPath: "/"}, UserAgent: "a", Product: "p", Money: &pb.Money{Minor: 5, Currency: "EUR", Exponent: 2}, Properties: []byte("{}"),
		Protocol: "segment", Origin: "browser"}}}
	record, err := r.MarshalVT()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("again", func(b *testing.B) {
		var d records.Reader
		b.ReportAllocs()
		for b.Loop() {
			if _, err := d.Read(record); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := (&pb.Record{}).UnmarshalVT(record); err != nil {
				b.Fatal(err)
			}
		}
	})
}
