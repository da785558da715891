package soak

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// ledger knows of every batch whether it was sent and acknowledged. Ids are computed, so that millions of events take little room.
type ledger struct {
	seed uint64

	mu    sync.Mutex
	state []byte // by batch
	acked int    // batches
}

// States of a batch. One that was sent and never acknowledged may be stored or not.
const (
	stateSent  = 1
	stateAcked = 2
)

// messageID of an event.
func messageID(seed uint64, batch, event int) string {
	return fmt.Sprintf("soak-%016x-%08d-%02d", seed, batch, event)
}

// event is the number of an id among all; −1 if it is none that the load makes.
func (l *ledger) event(id string) int {
	rest, ok := strings.CutPrefix(id, fmt.Sprintf("soak-%016x-", l.seed))
	batch, event, _ := strings.Cut(rest, "-")
	n, err := strconv.Atoi(batch)
	i, ierr := strconv.Atoi(event)
	if !ok || err != nil || ierr != nil || n < 0 || i < 0 || i >= perBatch || messageID(l.seed, n, i) != id {
		return -1
	}
	return n*perBatch + i
}

func (l *ledger) sent(batch int) { l.note(batch, stateSent) }

func (l *ledger) acknowledge(batch int) { l.note(batch, stateAcked) }

func (l *ledger) note(batch int, state byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.state) <= batch {
		l.state = append(l.state, 0)
	}
	if state == stateAcked && l.state[batch] != stateAcked {
		l.acked++
	}
	l.state[batch] = state
}

// events that were acknowledged so far.
func (l *ledger) events() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked * perBatch
}

// Stored compares the ledger with what is stored.
type Stored struct {
	// Acknowledged events; Stored of them; Open ones that were sent and never acknowledged, of which StoredOpen are stored.
	Acknowledged int `json:"acknowledged"`
	Stored       int `json:"stored"`
	Open         int `json:"sent_only"`
	StoredOpen   int `json:"sent_only_stored"`
	// Foreign rows are of ids that were never sent; Twice are further rows of an id.
	Foreign int `json:"foreign"`
	Twice   int `json:"twice"`
	// First are a few ids that differ.
	First []string `json:"first,omitempty"`
}

func (s *Stored) difference() int { return s.Acknowledged - s.Stored + s.Foreign + s.Twice }

func (s *Stored) say(format string, args ...any) {
	if len(s.First) < 10 {
		s.First = append(s.First, fmt.Sprintf(format, args...))
	}
}

// each is clickhouse.DB's.
type each interface {
	Each(ctx context.Context, query string, row func(scan func(dest ...any) error) error) error
}

// compare reads every stored id.
func (l *ledger) compare(ctx context.Context, db each) (s Stored, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := make([]bool, len(l.state)*perBatch)
	err = db.Each(ctx, "SELECT message_id FROM bi.events", func(scan func(...any) error) error {
		var id string
		if err := scan(&id); err != nil {
			return err
		}
		switch n := l.event(id); {
		case n < 0 || n >= len(seen) || l.state[n/perBatch] == 0:
			s.Foreign++
			s.say("%s is stored and was never sent", id)
		case seen[n]:
			s.Twice++
			s.say("%s is stored twice", id)
		default:
			seen[n] = true
		}
		return nil
	})
	if err != nil {
		return s, fmt.Errorf("read the stored ids: %w", err)
	}
	l.count(seen, &s)
	return s, nil
}

func (l *ledger) count(seen []bool, s *Stored) {
	for n, is := range seen {
		switch l.state[n/perBatch] {
		case stateAcked:
			s.Acknowledged++
			if is {
				s.Stored++
			} else {
				s.say("%s was acknowledged and is not stored", messageID(l.seed, n/perBatch, n%perBatch))
			}
		case stateSent:
			s.Open++
			if is {
				s.StoredOpen++
			}
		}
	}
}
