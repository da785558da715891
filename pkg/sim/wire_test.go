package sim

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// received is what a storefront's server can read of an event.
type received struct {
	Type, Event, MessageID, AnonymousID, Timestamp, SentAt, WriteKey string
	UserID                                                           *string
	Properties                                                       map[string]any
	Context                                                          struct {
		UserAgent string
		Campaign  map[string]string
		Page      struct{ URL, Path, Referrer, Title, Search string }
	}
}

// open is a body as it was before compression.
func open(t *testing.T, header http.Header, body []byte) []byte {
	t.Helper()
	if header.Get("Content-Encoding") != "gzip" {
		return body
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return nil
	}
	if body, err = io.ReadAll(z); err != nil {
		t.Error(err)
	}
	return body
}

// read takes a request of a clean day apart and returns its events and sentAt.
func read(t *testing.T, header http.Header, body []byte) (events []received, sentAt string) {
	t.Helper()
	body = open(t, header, body)
	var b struct {
		Batch  []received
		SentAt string
	}
	if err := json.Unmarshal(body, &b); err != nil {
		t.Errorf("body: %v", err)
	}
	if b.Batch != nil {
		user, _, _ := (&http.Request{Header: header}).BasicAuth()
		if user != "demo-write-key" {
			t.Errorf("authorization %q", header.Get("Authorization"))
		}
		return b.Batch, b.SentAt
	}
	var one received
	if err := json.Unmarshal(body, &one); err != nil || one.WriteKey != "demo-write-key" {
		t.Errorf("single call with write key %q: %v", one.WriteKey, err)
	}
	return []received{one}, one.SentAt
}

func TestRequests(t *testing.T) {
	d := clean(t, Config{Seed: 12, Events: 8_000})
	n, kinds := 0, map[string]int{}
	for m, requests := range d.requests {
		end := testDay.Add(time.Duration(m+1) * time.Minute)
		for _, q := range requests {
			e, err := q.encode(nil)
			if err != nil {
				t.Fatal(err)
			}
			events, sentAt := read(t, e.header, e.body)
			if sentAt != end.Format(isoMillis) || len(events) != e.events || len(events) > 60 || len(e.body) > 500<<10 {
				t.Fatalf("request of %d events, sent at %s", len(events), sentAt)
			}
			kinds[e.path+" "+e.header.Get("Content-Encoding")]++
			for i, ev := range events {
				check(t, q.items[i].hit, ev, end)
			}
			n += len(events)
		}
	}
	if n != len(d.Truth.Events) {
		t.Errorf("%d events in requests, %d in the truth", n, len(d.Truth.Events))
	}
	for _, k := range []string{"/v1/batch ", "/v1/batch gzip", "/v1/t ", "/v1/track ", "/v1/p ", "/v1/page ", "/v1/i ", "/v1/identify "} {
		if kinds[k] == 0 {
			t.Errorf("no request to %q: %v", k, kinds)
		}
	}
}

func check(t *testing.T, h *hit, ev received, end time.Time) {
	t.Helper()
	at, err := time.Parse(isoMillis, ev.Timestamp)
	u, uerr := url.Parse(ev.Context.Page.URL)
	switch {
	case err != nil || at.UnixMilli() != h.at || at.After(end) || !at.After(end.Add(-time.Minute)):
		t.Fatalf("timestamp %s in the minute before %s", ev.Timestamp, end)
	case ev.Type != h.kind.call || ev.Event != h.kind.name || ev.MessageID != h.id || ev.AnonymousID != h.visitor.id:
		t.Fatalf("event %+v of %+v", ev, h)
	case (ev.UserID == nil) != (h.user == "") || ev.UserID != nil && *ev.UserID != h.user:
		t.Fatalf("user of %+v", ev)
	case uerr != nil || u.Path != ev.Context.Page.Path || u.Host != "shop.example" || u.RawQuery != strings.TrimPrefix(ev.Context.Page.Search, "?"):
		t.Fatalf("page %+v", ev.Context.Page)
	case ev.Context.UserAgent != h.visitor.agent || ev.Context.Page.Title == "":
		t.Fatalf("context %+v", ev.Context)
	}
	for field, key := range map[string]string{"source": "utm_source", "medium": "utm_medium", "name": "utm_campaign", "term": "utm_term", "content": "utm_content"} {
		if v, ok := ev.Context.Campaign[field]; ok && v != u.Query().Get(key) {
			t.Fatalf("campaign %v on %s", ev.Context.Campaign, u)
		}
	}
	if h.kind == purchased && (ev.Properties["order_id"] != h.order || ev.Properties["products"] == nil) {
		t.Fatalf("order %v", ev.Properties)
	}
}

// TestLandingsAreClean keeps the brand word and shopping campaigns out of landings that must not have them.
func TestLandingsAreClean(t *testing.T) {
	share := 0.0
	for _, c := range channels {
		share += c.share
		for _, s := range c.sources {
			if strings.Contains(s.query, "{brand}") != (c.brand == "yes") {
				t.Errorf("%s, brand_search %q: %s", c.channel, c.brand, s.query)
			}
			if v, err := url.ParseQuery(s.query); err != nil || strings.Contains(v.Get("utm_campaign"), "shop") != (c.channel == "Paid Shopping") {
				t.Errorf("%s: campaign of %s: %v", c.channel, s.query, err)
			}
		}
	}
	if share < .9999 || share > 1.0001 {
		t.Errorf("the shares add up to %g", share)
	}
}
