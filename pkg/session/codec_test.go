package session_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/session"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

func text(b []byte) string { return string(b) }

// words are short, and often none.
var words = rapid.SampledFrom([]string{"", "", "a", "b", "summer sale", strings.Repeat("ü", 300)})

func drawEntry(t *rapid.T) *pb.Entry {
	if rapid.IntRange(0, 5).Draw(t, "no entry") == 0 {
		return nil
	}
	w := func() string { return words.Draw(t, "text") }
	e := &pb.Entry{Channel: w(), Source: w(), Medium: w(), Campaign: w(), Term: w(), Content: w(), BrandSearch: w(), ClickIdKind: w(), ClickId: w(), Device: w(),
		Os: w(), Browser: w(), Country: w(), LandingPath: w(), Consent: w(), Ruleset: w(), Returning: rapid.Bool().Draw(t, "returning")}
	for range rapid.IntRange(0, 2).Draw(t, "variants") {
		if e.Variants == nil {
			e.Variants = map[string]string{}
		}
		e.Variants[w()] = w()
	}
	return e
}

func drawStored(t *rapid.T, entries []*pb.Entry) *pb.StoredEvent {
	w := func() string { return words.Draw(t, "text") }
	number := func() int64 { return rapid.Int64().Draw(t, "number") }
	id := event.Hash128(binaryOf(number()))
	e := session.NewEvent(id)
	e.Offset, e.IngestTs, e.EventTs, e.ValueMinor = number(), number(), rapid.Int64Range(0, 1<<41).Draw(t, "ts"), number()
	e.Sequence, e.Flags = uint32(number()), uint32(number())
	e.User, e.EmailHash, e.Action, e.Product, e.OrderId, e.CartToken, e.CheckoutToken = w(), w(), w(), w(), w(), w(), w()
	e.Entry = rapid.SampledFrom(entries).Draw(t, "entry")
	return e
}

func binaryOf(n int64) []byte { return []byte(fmt.Sprint(n)) }

// Ensure that a restored visitor is the one that was written, field by field, with what it remembers.
func TestStateSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := []*pb.Entry{drawEntry(t), drawEntry(t), drawEntry(t)}
		first := drawStored(t, entries)
		first.EventTs = 0
		st := &session.State{Events: []*pb.StoredEvent{first}, LastChannel: words.Draw(t, "last"), LastEnded: rapid.Int64().Draw(t, "ended")}
		for range rapid.IntRange(0, 3).Draw(t, "tails") {
			st.Tails = append(st.Tails, &pb.Tail{From: 1 << 42, Ended: 1<<42 + rapid.Int64Range(0, 9).Draw(t, "tail"), Events: rapid.Uint32().Draw(t, "events"),
				EventsHash: rapid.Uint64().Draw(t, "hash"), Flags: rapid.Uint32().Draw(t, "flags")})
		}
		if rapid.Bool().Draw(t, "span") {
			st.Span = &pb.Span{User: words.Draw(t, "user"), EmailHash: words.Draw(t, "email"), Number: rapid.Uint32().Draw(t, "switches"), Seen: rapid.Int64().Draw(t, "seen")}
		}
		r := rules()
		v := session.NewVisitor("s", "a", st, r)
		var ids []event.ID
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			e := drawStored(t, entries)
			if rapid.Bool().Draw(t, "loose") {
				v.Join(e, r)
			} else {
				v.Insert(e, r)
			}
			id := event.IDOf(e.EventId)
			if rapid.IntRange(0, 9).Draw(t, "forgotten") > 0 {
				ids = append(ids, id)
				v.Remember(id, rapid.Uint64().Draw(t, "payload"), rapid.Int64Range(0, 1<<41).Draw(t, "came"), r)
			}
		}
		b := v.AppendState(nil)
		got, err := session.Restore("s", "a", b, r, text)
		if err != nil {
			t.Fatal(err)
		}
		sameEvents(t, "events", v.State.Events, got.State.Events)
		sameEvents(t, "loose", v.State.Loose, got.State.Loose)
		if len(v.State.Tails) != len(got.State.Tails) || got.State.LastChannel != st.LastChannel || got.State.LastEnded != st.LastEnded || !got.State.Span.EqualVT(st.Span) {
			t.Fatalf("got %+v, want %+v", got.State, v.State)
		}
		for i, tail := range v.State.Tails {
			if !tail.EqualVT(got.State.Tails[i]) {
				t.Fatalf("tail: got %v, want %v", got.State.Tails[i], tail)
			}
		}
		for _, id := range ids {
			for _, w := range []int64{0, 1 << 40, 1 << 41} {
				hash, seen := v.Seen(id, w, r)
				if h, s := got.Seen(id, w, r); h != hash || s != seen {
					t.Fatalf("id at W %d: got %d %t, want %d %t", w, h, s, hash, seen)
				}
			}
		}
		if again := got.AppendState(nil); !bytes.Equal(again, b) {
			t.Fatal("the restored visitor is written in other bytes")
		}
	})
}

func sameEvents(t *rapid.T, what string, want, got []*pb.StoredEvent) {
	if len(want) != len(got) {
		t.Fatalf("%s: got %d, want %d", what, len(got), len(want))
	}
	for i := range want {
		if !want[i].EqualVT(got[i]) {
			t.Fatalf("%s: got %v, want %v", what, got[i], want[i])
		}
	}
}

// Ensure that state of another version is refused with what to do, and damaged state at all.
func TestStateRefused(t *testing.T) {
	r := rules()
	whole := of(r, at(0, 0), at(1, minute)).AppendState(nil)
	for _, b := range [][]byte{nil, {0x0a, 3}, whole[:len(whole)-1], append(bytes.Clone(whole), 0)} {
		if _, err := session.Restore("s", "a", b, r, text); err == nil {
			t.Errorf("%d bytes were taken", len(b))
		}
	}
	if _, err := session.Restore("s", "a", []byte{9}, r, text); err == nil || !strings.Contains(err.Error(), "remove the state folder") {
		t.Errorf("got %v", err)
	}
}

// FuzzRestore: no bytes make it panic or take more memory than they could stand for; what is taken is written again.
func FuzzRestore(f *testing.F) {
	r := rules()
	v := of(r, at(0, 0), user(at(1, minute), "u", "m"))
	v.Remember(event.IDOf(at(0, 0).EventId), 7, 1000, r)
	v.Join(at(2, minute), r)
	f.Add(v.AppendState(nil))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := session.Restore("s", "a", b, r, text)
		if err != nil {
			return
		}
		again, err := session.Restore("s", "a", got.AppendState(nil), r, text)
		if err != nil {
			t.Fatalf("what was taken is refused when written again: %v", err)
		}
		if !bytes.Equal(again.AppendState(nil), got.AppendState(nil)) {
			t.Fatal("it changes when it is written again")
		}
	})
}

// remembered is a naive memory of ids.
type remembered struct {
	id   event.ID
	hash uint64
	came int64
}

// Ensure that ids are remembered as by a list that is looked through, however many there are and whenever they are forgotten.
func TestManyIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rules()
		const memory = 49 * 60 * minute
		v, w := of(r), int64(0)
		var all []remembered
		few := rapid.IntRange(1, 120).Draw(t, "ids")
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			id := event.ID{byte(rapid.IntRange(0, few).Draw(t, "id"))}
			switch rapid.IntRange(0, 20).Draw(t, "step") {
			case 0:
				w += rapid.Int64Range(0, memory/2).Draw(t, "later")
			case 1:
				v.Expire(w-r[0].Lateness, w, r)
				due := int64(1<<62 - 1)
				for _, a := range all {
					if w <= a.came+memory {
						due = min(due, a.came+memory)
					}
				}
				if got := v.Due(r); got != due {
					t.Fatalf("due at %d, want %d", got, due)
				}
			default:
				came := max(0, w+rapid.Int64Range(-memory/8, memory/8).Draw(t, "came"))
				hash := rapid.Uint64Range(0, 3).Draw(t, "hash")
				if _, seen := v.Seen(id, w, r); !seen {
					v.Remember(id, hash, came, r)
					all = append(all, remembered{id, hash, came})
				}
			}
			wantHash, wantSeen := uint64(0), false
			for _, a := range all {
				if a.id == id && !wantSeen && w <= a.came+memory {
					wantHash, wantSeen = a.hash, true
				}
			}
			if hash, seen := v.Seen(id, w, r); hash != wantHash || seen != wantSeen {
				t.Fatalf("id %x at W %d: got %d %t, want %d %t", id[0], w, hash, seen, wantHash, wantSeen)
			}
		}
	})
}
