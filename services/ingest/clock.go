package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/tributary-data/tributary/pkg/collect"
	"github.com/tributary-data/tributary/pkg/event"
)

// wallClock is the machine's clock; ahead is 0 but for tests of a wrong one.
type wallClock struct{ ahead time.Duration }

func (c wallClock) Now() (time.Time, uint32, bool) { return time.Now().Add(c.ahead), 0, true }

// drivenClock stands where the admin port put it, and never goes back. Until it is set, ingest takes nothing.
type drivenClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *drivenClock) Now() (time.Time, uint32, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now, event.EnvelopeDriven, !c.now.IsZero()
}

// set moves the clock.
func (c *drivenClock) set(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.Before(c.now) {
		return fmt.Errorf("the clock stands at %s and never goes back", c.now.Format(time.RFC3339Nano))
	}
	c.now = t
	return nil
}

var (
	_ collect.Clock = wallClock{}
	_ collect.Clock = (*drivenClock)(nil)
)

// clockHandler answers PUT /clock {"unix_ms": N}: 204 when the clock stands there and its ticks are acknowledged.
// moved is called after each move.
func clockHandler(c *drivenClock, moved func(*http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			UnixMS int64 `json:"unix_ms"`
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&body); err != nil || body.UnixMS <= 0 {
			http.Error(w, `expected {"unix_ms": N} with N above zero`, http.StatusBadRequest)
			return
		}
		if err := c.set(time.UnixMilli(body.UnixMS)); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		if err := moved(r); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}
