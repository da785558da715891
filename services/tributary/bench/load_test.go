package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Ensure that every batch is ten events with ids of their own, that a visitor comes twice, some minutes apart, in order but for
// the few that are late, and that the clock is moved before what happens.
func TestLoad(t *testing.T) {
	l := newLoad(6000)
	type message struct{ AnonymousID, MessageID, Timestamp string }
	var mu sync.Mutex
	ids, visits := map[string]bool{}, map[string][]time.Time{}
	now, late := time.Time{}, 0
	ingest := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var b struct{ Batch []message }
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil || len(b.Batch) != perBatch {
			t.Errorf("%d messages, %v", len(b.Batch), err)
		}
		mu.Lock()
		defer mu.Unlock()
		for i, m := range b.Batch {
			at, err := time.Parse(time.RFC3339, m.Timestamp)
			if err != nil || ids[m.MessageID] || at.After(now) {
				t.Errorf("message %s at %s, the clock is %s, %v", m.MessageID, m.Timestamp, now, err)
			}
			ids[m.MessageID] = true
			if i == 0 {
				visits[m.AnonymousID] = append(visits[m.AnonymousID], at)
			}
			if now.Sub(at) > 9*time.Minute {
				late++
			}
		}
	}))
	defer ingest.Close()
	moves := 0
	_, err := l.send(t.Context(), strings.TrimPrefix(ingest.URL, "http://"), func(_ context.Context, to time.Time) error {
		mu.Lock()
		defer mu.Unlock()
		now = to
		moves++
		return nil
	})
	if err != nil || len(ids) != 6000 || moves != minutes+1 || late < 200 || late > 400 {
		t.Errorf("%d ids, %d moves, %d late events, %v", len(ids), moves, late, err)
	}
	for v, at := range visits {
		if len(at) != 2 || at[1].Sub(at[0]) < (apart-10)*time.Minute || at[1].Sub(at[0]) > (apart+10)*time.Minute {
			t.Fatalf("visitor %s comes at %v", v, at)
		}
	}
}

// Ensure that a refusal ends the load with what ingest said.
func TestLoadRefused(t *testing.T) {
	ingest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no room", http.StatusServiceUnavailable) }))
	defer ingest.Close()
	_, err := newLoad(1200).send(t.Context(), strings.TrimPrefix(ingest.URL, "http://"), func(context.Context, time.Time) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("got %v", err)
	}
}

func BenchmarkBody(b *testing.B) {
	l := newLoad(60000)
	var body bytes.Buffer
	for i := 0; b.Loop(); i++ {
		l.body(&body, i%l.batches)
	}
	b.SetBytes(int64(body.Len()))
}
