package soak

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// ingests of a test keep what they take, and answer as they are told.
type taken struct {
	mu     sync.Mutex
	bodies map[string][]string // by the first id of a batch
	answer func(try int) int
}

func (k *taken) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var b struct {
		Batch []struct{ MessageID, Event, Timestamp string }
	}
	raw := json.RawMessage{}
	if err := json.NewDecoder(r.Body).Decode(&raw); err != nil || json.Unmarshal(raw, &b) != nil || len(b.Batch) != perBatch {
		http.Error(w, "a batch of another kind", http.StatusBadRequest)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	id := b.Batch[0].MessageID
	k.bodies[id] = append(k.bodies[id], string(raw))
	w.WriteHeader(k.answer(len(k.bodies[id])))
}

func loadTo(k *taken, ingests int) (*load, func()) {
	var addrs []string
	var servers []*httptest.Server
	for range ingests {
		s := httptest.NewServer(k)
		servers = append(servers, s)
		addrs = append(addrs, strings.TrimPrefix(s.URL, "http://"))
	}
	return newLoad(9, time.Minute, addrs), func() {
		for _, s := range servers {
			s.Close()
		}
	}
}

// Ensure that what gets no good answer is sent again, the same bytes, until it does, and only then counts as acknowledged.
func TestLoadSendsAgain(t *testing.T) {
	k := &taken{bodies: map[string][]string{}}
	soft, stop := context.WithCancel(t.Context())
	k.answer = func(try int) int {
		if len(k.bodies) > 30 {
			stop()
		}
		if try < 3 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}
	l, end := loadTo(k, 2)
	defer end()
	if err := l.send(soft, t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := l.ledger.events(); got != len(k.bodies)*perBatch || got <= 30*perBatch {
		t.Errorf("%d events acknowledged of %d batches", got, len(k.bodies))
	}
	for id, tries := range k.bodies {
		again := 0
		if l.ledger.event(id)/perBatch%unheard == 0 {
			again = 1
		}
		if l.ledger.event(id) < 0 || len(tries) != 3+again || tries[0] != tries[1] || tries[0] != tries[2] {
			t.Errorf("%s: %d tries, not all the same", id, len(tries))
		}
	}
}

// Ensure that what is refused for good ends the soak, and that what never got an answer stays open.
func TestLoadEnds(t *testing.T) {
	k := &taken{bodies: map[string][]string{}, answer: func(int) int { return http.StatusBadRequest }}
	l, end := loadTo(k, 1)
	if err := l.send(t.Context(), t.Context()); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("a refused batch: %v", err)
	}
	end()
	hard, stop := context.WithCancel(t.Context())
	k = &taken{bodies: map[string][]string{}, answer: func(int) int { stop(); return http.StatusServiceUnavailable }}
	l, end = loadTo(k, 1)
	defer end()
	if err := l.send(hard, hard); err == nil {
		t.Error("the end went unnoticed")
	}
	if s, err := l.ledger.compare(t.Context(), stored{}); err != nil || s.Acknowledged != 0 || s.Open == 0 || s.difference() != 0 {
		t.Errorf("got %+v, %v", s, err)
	}
}
