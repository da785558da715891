package sim

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

// sending is one event on the wire, as somebody sees it who knows nothing of the plan.
type sending struct {
	store, visitor, id, user string
	at, received             int64
	payload                  string
}

// wire takes everything apart that a day sends, in its order. What cannot be taken is left out.
func wire(t *testing.T, d *Day) (out []sending) {
	t.Helper()
	for m, of := range d.requests {
		now := testDay.Add(time.Duration(m+1) * time.Minute)
		for _, q := range of {
			e, err := q.encode(nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(e.body) > 400<<10 {
				t.Errorf("a request of %d bytes", len(e.body))
			}
			for range 1 + one(e.lost) {
				out = append(out, taken(t, q.shop.name, e, now)...)
			}
		}
	}
	return out
}

// taken are the good events of one request, with their times by the rule in words: if the clocks are at least five
// minutes apart, what the client says is moved by the nearest multiple of five minutes; never beyond now.
func taken(t *testing.T, store string, e *encoded, now time.Time) (out []sending) {
	t.Helper()
	body := open(t, e.header, e.body)
	var b struct {
		Batch  []json.RawMessage
		SentAt time.Time
	}
	if err := json.Unmarshal(body, &b); err != nil {
		t.Fatal(err)
	}
	if b.Batch == nil {
		b.Batch = []json.RawMessage{body}
	}
	apart := now.Sub(b.SentAt)
	for _, raw := range b.Batch {
		var v struct {
			MessageID, AnonymousID, UserID, Type, Event string
			Timestamp                                   time.Time
		}
		if json.Unmarshal(raw, &v) != nil || len(raw) > 32<<10 || v.AnonymousID+v.UserID == "" || len(v.MessageID) > 100 || len(v.UserID) > 255 ||
			v.Type == "tracked" || v.Type == "track" && v.Event == "" {
			continue
		}
		ts := v.Timestamp
		if math.Abs(apart.Minutes()) >= 5 {
			ts = ts.Add(apart.Round(5 * time.Minute))
		}
		if ts.After(now) {
			ts = now
		}
		payload := strings.ReplaceAll(string(raw), b.SentAt.Format(isoMillis), "")
		out = append(out, sending{store, v.AnonymousID, v.MessageID, v.UserID, ts.UnixMilli(), now.UnixMilli(), payload})
	}
	return out
}

// TestTruthFromTheWire finds fates and times again, from nothing but the bytes that are sent.
func TestTruthFromTheWire(t *testing.T) {
	d := dirtyDay(t)
	first, n := map[[3]string]sending{}, map[Fate]int{}
	hours := map[[2]string]int64{}
	for _, s := range wire(t, d) {
		hours[[2]string{s.store, time.UnixMilli(s.received).UTC().Format("2006-01-02T15")}]++
		k := [3]string{s.store, s.visitor, s.id}
		if f, ok := first[k]; !ok {
			first[k] = s
		} else if f.payload == s.payload {
			n[Duplicate]++
		} else {
			n[IDReused]++
		}
	}
	for _, e := range d.Truth.Events {
		s, ok := first[[3]string{e.Store, e.Visitor, e.MessageID}]
		floor := time.UnixMilli(s.received).Add(-24*time.Hour - 10*time.Second).UnixMilli()
		if !ok || s.at != e.At || s.user != e.User || s.received != e.IngestedAt || (s.at < floor) != (e.Fate == Late) || e.Fate == Late && e.Floor != floor {
			t.Fatalf("event %+v was sent as %+v", e, s)
		}
		n[e.Fate]++
	}
	c := d.Truth.Counts
	if len(first) != len(d.Truth.Events) || n[Duplicate] != c.Duplicates || n[IDReused] != c.IDReused || n[Late] != c.Late {
		t.Errorf("%d ids, %v sent; truth: %d events, %+v", len(first), n, len(d.Truth.Events), c)
	}
	for _, i := range d.Truth.Intake {
		k := [2]string{i.Store, time.Unix(i.Hour, 0).UTC().Format("2006-01-02T15")}
		if hours[k] != i.Records || i.Records != i.Unique+i.Duplicates+i.IDReused {
			t.Errorf("intake %+v, sent %d", i, hours[k])
		}
		delete(hours, k)
	}
	if len(hours) != 0 {
		t.Errorf("hours without intake: %v", hours)
	}
}
