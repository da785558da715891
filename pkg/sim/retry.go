package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	tries        = 20
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 2 * time.Second
	// maxRetryAfter is how long a Retry-After is honoured, as in Segment's libraries.
	maxRetryAfter = 300 * time.Second
)

// errRefused is an answer that no retry will change.
var errRefused = errors.New("refused")

// send posts the same bytes until they are acknowledged. It retries after connection errors, 429 and 5xx, waits at
// least as long as Retry-After says, and reports how often it tried.
func (e *encoded) send(ctx context.Context, client *http.Client, method, base string, tries int) (tried int, err error) {
	backoff := firstBackoff
	for tried = 1; ; tried++ {
		try := ctx
		if e.lost && tried == 1 {
			try = losing(ctx)
		}
		after, err := e.once(try, client, method, base)
		if err == nil || errors.Is(err, errRefused) || ctx.Err() != nil {
			return tried, err
		}
		if tried == tries {
			return tried, fmt.Errorf("gave up after %d tries: %w", tries, err)
		}
		if errors.Is(err, errLost) {
			continue // the server is well: there is nothing to wait for
		}
		if err := sleep(ctx, max(backoff, min(after, maxRetryAfter))); err != nil {
			return tried, err
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

func (e *encoded) once(ctx context.Context, client *http.Client, method, base string) (after time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(base, "/")+e.path, bytes.NewReader(e.body))
	if err != nil {
		return 0, errors.Join(errRefused, err)
	}
	req.Header = e.header.Clone() // a transport may add to it
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 512)) // for the error's text, and to keep the connection
	switch s := res.StatusCode; {
	case s == http.StatusOK || s == http.StatusNoContent:
		return 0, nil
	case s == http.StatusTooManyRequests || s >= 500:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // absent or unreadable: none
		return time.Duration(seconds) * time.Second, fmt.Errorf("%s %s answered %s: %s", method, e.path, res.Status, bytes.TrimSpace(text))
	}
	return 0, fmt.Errorf("%w: %s %s answered %s: %s", errRefused, method, e.path, res.Status, bytes.TrimSpace(text))
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
