package sim

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Clock is the driven clock of the system under test. It never goes back.
type Clock interface {
	Set(ctx context.Context, now time.Time) error
}

// HTTPClock sets ingest's clock through its admin port.
type HTTPClock struct {
	// AdminURL is the admin server's address without a path.
	AdminURL string
	// Client to ask with. Default: http.DefaultClient.
	Client *http.Client
	// Tries is how often to ask before giving up. Default: 20, about half a minute
	Tries int
}

// Set moves the clock, trying again while the server cannot answer. Setting the time that it has is no error.
func (c *HTTPClock) Set(ctx context.Context, now time.Time) error {
	client := c.Client
	if client == nil {
		client = http.DefaultClient
	}
	e := &encoded{path: "/clock", header: http.Header{"Content-Type": {"application/json"}},
		body: fmt.Appendf(nil, `{"unix_ms":%d}`, now.UnixMilli())}
	if _, err := e.send(ctx, client, http.MethodPut, c.AdminURL, max(tries, c.Tries)); err != nil {
		return fmt.Errorf("set the clock to %s: %w", now.UTC().Format(time.RFC3339), err)
	}
	return nil
}
