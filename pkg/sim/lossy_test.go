package sim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// lossyStub takes everything and counts it.
type lossyStub struct {
	t        *testing.T
	mu       sync.Mutex
	bodies   map[string]int
	records  int
	requests int
}

func (s *lossyStub) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path == "/clock" {
		return
	}
	s.requests++
	s.bodies[string(body)]++
	key, _, _ := r.BasicAuth()
	if body = open(s.t, r.Header, body); key == "" && !bytes.Contains(body, []byte(`"writeKey":"`)) {
		s.t.Errorf("no write key: %s", body)
	}
	var b struct{ Batch []json.RawMessage }
	if err := json.Unmarshal(body, &b); err != nil {
		s.t.Error(err)
	}
	s.records += max(1, len(b.Batch))
}

// TestLostAnswers sends a dirty day over a network that loses answers: all arrives, some of it twice.
func TestLostAnswers(t *testing.T) {
	d := plan(t, Config{Seed: 33, Events: 6000})
	s := &lossyStub{t: t, bodies: map[string]int{}}
	srv := httptest.NewServer(s)
	defer srv.Close()
	var ledger bytes.Buffer
	res, err := Run(t.Context(), d, Target{IngestURL: srv.URL, Clock: &HTTPClock{AdminURL: srv.URL}, Ledger: &ledger})
	if err != nil {
		t.Fatal(err)
	}
	n := d.Truth.Counts
	twice := 0
	for _, times := range s.bodies {
		twice += times - 1
	}
	if n.LostAnswers < 3 || res.Retries != n.LostAnswers || s.requests != res.Requests+n.LostAnswers || twice < n.LostAnswers {
		t.Errorf("%d answers lost, %d retries, %d requests of %d, %d bodies twice", n.LostAnswers, res.Retries, s.requests, res.Requests, twice)
	}
	letters := int64(0)
	for _, l := range d.Truth.Letters {
		if l.Reason != string(IDReused) {
			letters += l.Count
		}
	}
	if want := len(d.Truth.Events) + n.Duplicates + n.IDReused + int(letters); s.records != want {
		t.Errorf("%d records, expected %d", s.records, want)
	}
	ids := ledgerIDs(t, ledger.String())
	for _, e := range d.Truth.Events {
		if ids[e.MessageID] != 1 {
			t.Errorf("event %s is %d times in the ledger", e.MessageID, ids[e.MessageID])
		}
	}
	if len(ids) != len(d.Truth.Events) || res.Acked != len(ids) {
		t.Errorf("%d ids in the ledger, %d acknowledged, %d events", len(ids), res.Acked, len(d.Truth.Events))
	}
}
