package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// stub is an ingest: a clock that never goes back, and a memory of what was acknowledged.
type stub struct {
	t *testing.T
	// fail decides whether the n-th traffic request (from 0) is answered otherwise: a status, 0 for none.
	fail func(n int) int

	mu     sync.Mutex
	now    time.Time
	n      int
	events []received
	failed map[string]bool // bodies that were refused and must come again
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path == "/clock" {
		s.clock(w, r, body)
		return
	}
	s.n++
	if s.fail != nil {
		if status := s.fail(s.n - 1); status != 0 {
			s.failed[string(body)] = true
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(status)
			return
		}
	}
	delete(s.failed, string(body))
	events, sentAt := read(s.t, r.Header, body)
	if sentAt != s.now.Format(isoMillis) {
		s.t.Errorf("sent at %s, clock at %s", sentAt, s.now)
	}
	for _, e := range events {
		if at, _ := time.Parse(isoMillis, e.Timestamp); at.After(s.now) || s.now.Sub(at) >= time.Minute {
			s.t.Errorf("event of %s came at %s", e.Timestamp, s.now)
		}
	}
	s.events = append(s.events, events...)
	fmt.Fprint(w, `{"success":true}`)
}

func (s *stub) clock(w http.ResponseWriter, r *http.Request, body []byte) {
	var set struct {
		UnixMS int64 `json:"unix_ms"`
	}
	if err := json.Unmarshal(body, &set); err != nil || r.Method != http.MethodPut {
		s.t.Errorf("%s /clock: %v", r.Method, err)
	}
	to := time.UnixMilli(set.UnixMS).UTC()
	if to.Before(s.now) {
		s.t.Errorf("clock goes back from %s to %s", s.now, to)
		w.WriteHeader(http.StatusConflict)
		return
	}
	s.now = to
	w.WriteHeader(http.StatusNoContent)
}

// simulate runs a day against a stub and returns the ledger.
func simulate(t *testing.T, d *Day, s *stub) (string, Result) {
	t.Helper()
	s.t, s.failed = t, map[string]bool{}
	srv := httptest.NewServer(s)
	defer srv.Close()
	var ledger bytes.Buffer
	res, err := Run(t.Context(), d, Target{IngestURL: srv.URL, Clock: &HTTPClock{AdminURL: srv.URL, Client: srv.Client()}, Ledger: &ledger})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.failed) != 0 {
		t.Errorf("%d refused requests did not come again with the same bytes", len(s.failed))
	}
	return ledger.String(), res
}

func ledgerIDs(t *testing.T, ledger string) map[string]int {
	t.Helper()
	ids := map[string]int{}
	for line := range strings.Lines(ledger) {
		var a acked
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		ids[a.MessageID]++
	}
	return ids
}

func TestRun(t *testing.T) {
	d := clean(t, Config{Seed: 20, Events: 2000})
	s := &stub{fail: func(n int) int {
		return map[int]int{3: 503, 17: 429, 40: 500}[n]
	}}
	ledger, res := simulate(t, d, s)
	again, _ := simulate(t, d, &stub{})
	if ledger != again {
		t.Error("two runs wrote different ledgers")
	}
	ids := ledgerIDs(t, ledger)
	stored := map[string]int{}
	for _, e := range s.events {
		stored[e.MessageID]++
	}
	for _, e := range d.Truth.Events {
		if ids[e.MessageID] != 1 || stored[e.MessageID] != 1 {
			t.Errorf("event %s: %d times in the ledger, %d times at ingest", e.MessageID, ids[e.MessageID], stored[e.MessageID])
		}
	}
	if n := len(d.Truth.Events); len(ids) != n || len(s.events) != n || res.Sent != n || res.Acked != n || res.Retries != 3 {
		t.Errorf("%d in the ledger, %d at ingest, %d in the truth, result %+v", len(ids), len(s.events), n, res)
	}
	if want := d.Config.Day.Add(24 * time.Hour); !s.now.Equal(want) {
		t.Errorf("clock stands at %s, expected %s", s.now, want)
	}
}

func TestSabotage(t *testing.T) {
	want, _ := simulate(t, clean(t, Config{Seed: 21, Events: 3000}), &stub{})
	for _, kind := range []Sabotage{Drop, Dup, Move} {
		t.Run(string(kind), func(t *testing.T) {
			d := clean(t, Config{Seed: 21, Events: 3000, Sabotage: kind})
			s := &stub{}
			if ledger, _ := simulate(t, d, s); ledger != want {
				t.Error("the ledger tells of the sabotage")
			}
			checkSabotage(t, d, s.events)
		})
	}
	if _, err := Plan(Config{Day: testDay, Events: 1, Seed: 1, Sabotage: Dup, Clean: true}); err == nil {
		t.Error("a day without purchases can be sabotaged")
	}
}

// checkSabotage compares what came with the truth: one event differs, the one that was named.
func checkSabotage(t *testing.T, d *Day, got []received) {
	t.Helper()
	truth, x := map[string]Event{}, d.Sabotaged
	for _, e := range d.Truth.Events {
		truth[e.MessageID] = e
	}
	session := d.Truth.Sessions[truth[x.MessageID].Session]
	if x.Segments[0] != session.Segment() || x.Session != session.Index {
		t.Errorf("named %+v, expected %+v", x, session)
	}
	for _, r := range got {
		e, ok := truth[r.MessageID]
		at, _ := time.Parse(isoMillis, r.Timestamp)
		switch {
		case !ok && x.Kind == Dup && r.MessageID == x.SentAs && r.Event == "Order Completed":
		case x.Kind == Move && r.MessageID == x.MessageID && at.UnixMilli() == e.At+moveMillis && session.Events == 1 &&
			x.Segments[1].Window == at.Unix()/900*900 && x.Segments[1].Window != x.Segments[0].Window:
		case !ok || e.At != at.UnixMilli() || e.Visitor != r.AnonymousID:
			t.Errorf("came changed: %+v", r)
		}
		delete(truth, r.MessageID)
	}
	if want := map[Sabotage]int{Drop: 1}[x.Kind]; len(truth) != want {
		t.Errorf("%d events did not come", len(truth))
	}
	if _, ok := truth[x.MessageID]; ok != (x.Kind == Drop) {
		t.Errorf("event %s missing: %t", x.MessageID, ok)
	}
	if extra := len(got) - len(d.Truth.Events); extra != map[Sabotage]int{Drop: -1, Dup: 1}[x.Kind] {
		t.Errorf("%d events more than planned", extra)
	}
}

// answers is a transport that gives one answer after the other, without a network.
type answers struct {
	status []int
	after  string
	at     []time.Duration
	began  time.Time
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.at = append(a.at, time.Since(a.began))
	s := a.status[0]
	a.status = a.status[min(1, len(a.status)-1):]
	if s == 0 {
		return nil, errors.New("connection refused")
	}
	h := http.Header{}
	if s == http.StatusServiceUnavailable {
		h.Set("Retry-After", a.after)
	}
	return &http.Response{StatusCode: s, Status: http.StatusText(s), Header: h, Body: http.NoBody, Request: r}, nil
}

func TestRetries(t *testing.T) {
	for _, c := range []struct {
		name   string
		status []int
		after  string
		at     []time.Duration
		refuse bool
		fails  bool
	}{
		{"at once", []int{200}, "", []time.Duration{0}, false, false},
		{"backs off", []int{0, 500, 429, 200}, "", []time.Duration{0, 100 * time.Millisecond, 300 * time.Millisecond, 700 * time.Millisecond}, false, false},
		{"as told", []int{503, 200}, "7", []time.Duration{0, 7 * time.Second}, false, false},
		{"unreadable", []int{503, 200}, "soon", []time.Duration{0, 100 * time.Millisecond}, false, false},
		{"for good", []int{401}, "", []time.Duration{0}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &answers{status: c.status, after: c.after, began: time.Now()}
				e := &encoded{path: "/v1/batch", header: http.Header{}, body: []byte("{}")}
				n, err := e.send(t.Context(), &http.Client{Transport: a}, http.MethodPost, "http://ingest", tries)
				if (err != nil) != c.fails || errors.Is(err, errRefused) != c.refuse || n != len(c.at) {
					t.Errorf("%d tries: %v", n, err)
				}
				if fmt.Sprint(a.at) != fmt.Sprint(c.at) {
					t.Errorf("tried at %v, expected %v", a.at, c.at)
				}
			})
		})
	}
}

func TestRetriesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &encoded{path: "/v1/batch", header: http.Header{}, body: []byte("{}")}
		n, err := e.send(t.Context(), &http.Client{Transport: &answers{status: []int{503}}}, http.MethodPost, "http://ingest", tries)
		if n != tries || err == nil || !strings.Contains(err.Error(), "gave up after 20 tries") {
			t.Errorf("%d tries: %v", n, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := e.send(ctx, &http.Client{Transport: &answers{status: []int{503}}}, http.MethodPost, "http://ingest", tries); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the context's end: %v", err)
		}
	})
}

// noted is a clock that notes when it was set.
type noted struct{ at []time.Duration }

func (n *noted) Set(_ context.Context, now time.Time) error {
	n.at = append(n.at, now.Sub(testDay))
	return nil
}

func TestPacing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, clock := time.Now(), &noted{}
		var last Progress
		d := clean(t, Config{Seed: 1, Events: 200, Wall: time.Minute})
		res, err := Run(t.Context(), d, Target{IngestURL: "http://ingest", Clock: clock, Ledger: io.Discard,
			Client: &http.Client{Transport: &answers{status: []int{200}}}, Concurrency: 1, Progress: func(p Progress) {
				if min := time.Duration(p.Minute-1) * time.Minute / minutes; p.Elapsed != min {
					t.Errorf("minute %d done after %s, expected %s", p.Minute, p.Elapsed, min)
				}
				last = p
			}})
		if err != nil || time.Since(began) != time.Minute || res.Elapsed != time.Minute {
			t.Errorf("took %s: %v", time.Since(began), err)
		}
		if len(clock.at) != minutes || clock.at[0] != time.Minute || clock.at[minutes-1] != 24*time.Hour {
			t.Errorf("clock was set %d times", len(clock.at))
		}
		if last.Acked != len(d.Truth.Events) || last.Minutes != minutes || !last.Clock.Equal(testDay.Add(24*time.Hour)) {
			t.Errorf("last progress %+v", last)
		}
	})
}

func TestRunStops(t *testing.T) {
	d := clean(t, Config{Seed: 1, Events: 200})
	if _, err := Run(t.Context(), d, Target{}); err == nil {
		t.Error("an empty target was taken")
	}
	target := Target{IngestURL: "http://ingest", Clock: &noted{}, Ledger: io.Discard, Concurrency: 1,
		Client: &http.Client{Transport: &answers{status: []int{401}}}}
	if _, err := Run(t.Context(), d, target); !errors.Is(err, errRefused) || !strings.Contains(err.Error(), "send the minute before 2026-09-12T") {
		t.Errorf("after a refusal: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, d, target); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancelling: %v", err)
	}
}
