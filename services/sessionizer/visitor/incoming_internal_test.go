package visitor

import (
	"bytes"
	"reflect"
	"testing"

	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// sample is a record as ingest writes it.
func sample() *pb.Record {
	return &pb.Record{Kind: pb.Kind_KIND_EVENT, Store: "demo", IngestTs: 1_790_000_000_000, Flags: 1, Body: &pb.Record_Event{Event: &pb.Event{
		EventId: []byte("0123456789abcdef"), Visitor: "v", User: "u", EmailHash: "m", Action: "cart_added", Interactive: true, EventTs: 1_789_999_999_000,
		Sequence: 300, OriginalTs: 5, SentTs: 6, MessageId: "mid", PayloadHash: 1 << 63, Flags: 3, Url: "https://shop.example/", Path: "/", Title: "t",
		Referrer: "r", Entry: &pb.Entry{Channel: "Email", Device: "mobile", LandingPath: "/"}, UserAgent: "a", Product: "p", Money: &pb.Money{Minor: -5,
			Currency: "EUR", Exponent: 2}, OrderId: "o", CartToken: "c", CheckoutToken: "k", Quantity: 1.5, Properties: []byte("{}"), Protocol: "segment", Origin: "browser"}}}
}

func encoded(t testing.TB, r *pb.Record) []byte {
	t.Helper()
	b, err := r.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// same tells whether two readings mean the same: no bytes and none at all do, but for the entry.
func same(a, b incoming) bool {
	for _, p := range []*incoming{&a, &b} {
		for _, f := range []*[]byte{&p.store, &p.id, &p.visitor, &p.user, &p.email, &p.action, &p.product, &p.order, &p.cart, &p.checkout, &p.currency} {
			if len(*f) == 0 {
				*f = nil
			}
		}
	}
	ea, eb := &pb.Entry{}, &pb.Entry{}
	if (a.entry == nil) != (b.entry == nil) || ea.UnmarshalVT(a.entry) != nil || eb.UnmarshalVT(b.entry) != nil || !ea.EqualVT(eb) {
		return false
	}
	a.entry, b.entry = nil, nil
	return reflect.DeepEqual(a, b)
}

// Ensure that the usual record is read here, field by field as by the generated code, and the unusual left to that.
func TestIncoming(t *testing.T) {
	var fast, slow incoming
	if !fast.decode(encoded(t, sample())) {
		t.Fatal("the usual record is not read")
	}
	if err := slow.read(sample()); err != nil || !same(fast, slow) {
		t.Errorf("got %+v, want %+v, %v", fast, slow, err)
	}
	twice := append(encoded(t, sample()), encoded(t, sample())...)
	for name, b := range map[string][]byte{"two events in one": twice, "a tick": encoded(t, &pb.Record{Kind: pb.Kind_KIND_TICK, Body: &pb.Record_Tick{Tick: &pb.Tick{}}}),
		"cut": twice[:len(twice)/2-1], "no event": {8, 1}, "nothing": nil} {
		if fast.decode(b) {
			t.Errorf("%s: read as the usual", name)
		}
	}
}

// Ensure that of an event with two entries, which generated code makes one of, nothing is read here.
func TestTwoEntries(t *testing.T) {
	event := encodedEvent(t, &pb.Event{EventId: []byte("1"), Entry: &pb.Entry{Channel: "Email"}})
	event = append(event, encodedEvent(t, &pb.Event{Entry: &pb.Entry{Device: "mobile"}})...)
	record := append([]byte{recordKind, byte(pb.Kind_KIND_EVENT), recordEvent, byte(len(event))}, event...)
	var in incoming
	if in.decode(record) {
		t.Error("read")
	}
	rec := &pb.Record{}
	if err := rec.UnmarshalVT(record); err != nil || rec.GetEvent().Entry.Channel != "Email" || rec.GetEvent().Entry.Device != "mobile" {
		t.Errorf("the generated code makes %v of it, %v", rec, err)
	}
}

func encodedEvent(t *testing.T, e *pb.Event) []byte {
	t.Helper()
	b, err := e.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzIncoming: what is read here is read the same by the generated code.
func FuzzIncoming(f *testing.F) {
	f.Add(encoded(f, sample()))
	bare := sample()
	bare.GetEvent().Entry, bare.GetEvent().Money = nil, nil
	f.Add(encoded(f, bare))
	f.Add(append(encoded(f, sample()), encoded(f, bare)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var fast, slow incoming
		if !fast.decode(b) {
			return
		}
		if entry := (&pb.Entry{}); entry.UnmarshalVT(fast.entry) != nil {
			return // the fold lets the generated code refuse it
		}
		rec := &pb.Record{}
		if err := rec.UnmarshalVT(b); err != nil {
			t.Fatalf("the generated code refuses what was read: %v", err)
		}
		if rec.Kind != pb.Kind_KIND_EVENT || rec.GetEvent() == nil {
			t.Fatalf("not an event: %v", rec)
		}
		if err := slow.read(rec); err != nil || !same(fast, slow) {
			t.Fatalf("got %+v, want %+v, %v", fast, slow, err)
		}
	})
}

// Ensure that an entry that equals the one before is the same in memory, one that differs is not, and that wrong ones change nothing.
func TestArrivals(t *testing.T) {
	n := arrivals{texts: texts{}}
	one, other := encodedEntry(t, &pb.Entry{Channel: "Email", LandingPath: "/"}), encodedEntry(t, &pb.Entry{Channel: "Email", LandingPath: "/p"})
	get := func(b []byte) *pb.Entry {
		e, err := n.of(b)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	first := get(one)
	if get(bytes.Clone(one)) != first || get(nil) != nil {
		t.Error("the same entry is another one")
	}
	if _, err := n.of([]byte{0x0a, 9}); err == nil {
		t.Error("a wrong entry was taken")
	}
	if get(one) != first || get(other) == first || get(one) == first || first.LandingPath != "/" {
		t.Error("entries are mixed up")
	}
}

func encodedEntry(t *testing.T, e *pb.Entry) []byte {
	t.Helper()
	b, err := e.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzEntry: an entry is read as by the generated code, or refused like there.
func FuzzEntry(f *testing.F) {
	for _, e := range []*pb.Entry{sample().GetEvent().Entry, {}, {Returning: true, Ruleset: "ga4", Variants: map[string]string{"a": "b"}}} {
		b, err := e.MarshalVT()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		want := &pb.Entry{}
		werr := want.UnmarshalVT(b)
		n := arrivals{texts: texts{}}
		for range 2 { // the second is the first, or as wrong
			got, err := n.of(append([]byte{}, b...))
			if (err == nil) != (werr == nil) || err == nil && !got.EqualVT(want) {
				t.Fatalf("got %v, %v, want %v, %v", got, err, want, werr)
			}
		}
	})
}

func BenchmarkIncoming(b *testing.B) {
	record := encoded(b, sample())
	b.Run("here", func(b *testing.B) {
		b.ReportAllocs()
		in, shared := incoming{}, texts{}
		for b.Loop() {
			if !in.decode(record) {
				b.Fatal("not read")
			}
			n := arrivals{texts: shared} // another entry before it
			if _, err := n.of(in.entry); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("generated", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := (&pb.Record{}).UnmarshalVT(record); err != nil {
				b.Fatal(err)
			}
		}
	})
}
