package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Target is where a day is sent.
type Target struct {
	// IngestURL is ingest's traffic address without a path.
	IngestURL string
	// Clock that is set to the end of each minute before its events are sent.
	Clock Clock
	// Ledger gets one JSON line per message id when it is first acknowledged, dead letters left out, in an order that does
	// not depend on timing.
	Ledger io.Writer
	// Concurrency is the number of requests in flight. Default: 8.
	Concurrency int
	// Tries is how often a request is sent before the run gives up. Default: 20, about half a minute
	Tries int
	// Client to send with. Default: one with a pool of Concurrency connections.
	Client *http.Client
	// Progress, if set, is called after every minute.
	Progress func(Progress)
}

// Progress after a virtual minute.
type Progress struct {
	// Clock is the virtual time reached.
	Clock time.Time
	// Minute is the number of minutes done, of Minutes.
	Minute, Minutes int
	// Sent counts events on the wire, with repeats; Acked those in the ledger, Events those of the day that are not dead.
	Sent, Acked, Events int
	// Elapsed is wall time since the start.
	Elapsed time.Duration
}

// Result of a run.
type Result struct {
	Sent, Acked       int
	Requests, Retries int
	Elapsed           time.Duration
}

// Run sends the day minute by minute: it sets the clock to the minute's end, sends what comes in the minute, and
// waits until all of it is acknowledged. Write the truth before calling it.
func Run(ctx context.Context, d *Day, t Target) (Result, error) {
	if t.Clock == nil || t.Ledger == nil || t.IngestURL == "" {
		return Result{}, errors.New("simulator: a target needs IngestURL, Clock and Ledger")
	}
	set(&t.Concurrency, 8)
	set(&t.Tries, tries)
	if t.Client == nil {
		tr := &http.Transport{MaxIdleConnsPerHost: t.Concurrency, MaxConnsPerHost: t.Concurrency, IdleConnTimeout: time.Minute}
		defer tr.CloseIdleConnections()
		t.Client = &http.Client{Transport: tr, Timeout: 30 * time.Second}
	}
	client := *t.Client
	client.Transport = lossy{client.Transport}
	t.Client = &client
	s := &sender{day: d, target: t, began: time.Now()}
	err := s.run(ctx)
	s.result.Elapsed = time.Since(s.began)
	return s.result, err
}

type sender struct {
	day    *Day
	target Target
	began  time.Time
	result Result
}

func (s *sender) run(ctx context.Context) error {
	all := len(s.day.requests)
	for m, requests := range s.day.requests {
		if err := sleep(ctx, time.Until(s.began.Add(s.day.Config.Wall*time.Duration(m)/time.Duration(all)))); err != nil {
			return err
		}
		now := s.day.Config.Day.Add(time.Duration(m+1) * time.Minute)
		if err := s.target.Clock.Set(ctx, now); err != nil {
			return err
		}
		if err := s.minute(ctx, now, requests); err != nil {
			return fmt.Errorf("send the minute before %s: %w", now.UTC().Format(time.RFC3339), err)
		}
		if s.target.Progress != nil {
			s.target.Progress(Progress{Clock: now, Minute: m + 1, Minutes: all, Sent: s.result.Sent, Acked: s.result.Acked,
				Events: len(s.day.Truth.Events), Elapsed: time.Since(s.began)})
		}
	}
	return sleep(ctx, time.Until(s.began.Add(s.day.Config.Wall)))
}

type outcome struct {
	index, sent, tries int
	err                error
}

// minute sends the requests and notes their acknowledgements in the order of the requests.
func (s *sender) minute(ctx context.Context, now time.Time, requests []*request) error {
	ctx, cancel := context.WithCancel(ctx)
	out := make(chan outcome, len(requests)) // room for all: a worker never waits for the reader
	var next atomic.Int64
	var workers sync.WaitGroup
	defer func() {
		cancel()
		workers.Wait()
	}()
	for range min(s.target.Concurrency, len(requests)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(requests) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				out <- s.send(ctx, i, requests[i])
			}
		})
	}
	done, noted := make([]bool, len(requests)), 0
	for range requests {
		select {
		case o := <-out:
			s.result.Sent += o.sent
			s.result.Requests += min(o.tries, 1)
			s.result.Retries += max(o.tries-1, 0)
			if o.err != nil {
				return o.err
			}
			done[o.index] = true
		case <-ctx.Done():
			return ctx.Err()
		}
		from := noted
		for noted < len(requests) && done[noted] {
			noted++
		}
		if err := s.note(now, requests[from:noted]); err != nil {
			return err
		}
	}
	return nil
}

func (s *sender) send(ctx context.Context, i int, q *request) outcome {
	var without *hit
	if x := s.day.Sabotaged; x != nil && x.Kind != Dup {
		without = x.hit
	}
	e, err := q.encode(without)
	if err != nil || e == nil {
		return outcome{index: i, err: err}
	}
	n, err := e.send(ctx, s.target.Client, http.MethodPost, s.target.IngestURL, s.target.Tries)
	if err != nil {
		return outcome{index: i, tries: n, err: err}
	}
	return outcome{index: i, sent: e.events, tries: n}
}

// acked is a line of the ledger.
type acked struct {
	MessageID string `json:"message_id"`
	Clock     int64  `json:"clock"` // virtual time of the acknowledgement, Unix milliseconds
}

func (s *sender) note(now time.Time, requests []*request) error {
	var lines []byte
	for _, q := range requests {
		for _, d := range q.items {
			if x := s.day.Sabotaged; d.again || d.reused || d.fault != "" || x != nil && d.hit == x.extra {
				continue
			}
			b, err := json.Marshal(acked{d.id, now.UnixMilli()})
			if err != nil {
				return fmt.Errorf("write ledger: %w", err)
			}
			lines = append(append(lines, b...), '\n')
			s.result.Acked++
		}
	}
	if len(lines) == 0 {
		return nil
	}
	if _, err := s.target.Ledger.Write(lines); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	return nil
}
