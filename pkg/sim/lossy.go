package sim

import (
	"context"
	"errors"
	"net/http"
)

// errLost stands for an answer that did not come: the server took the request, and the sender cannot know.
var errLost = errors.New("the answer was lost")

// lossKey is the context key of tries whose answers get lost.
type lossKey struct{}

func losing(ctx context.Context) context.Context { return context.WithValue(ctx, lossKey{}, true) }

// lossy is a network that loses the answers that the plan says it does, after the server has given them.
type lossy struct{ http.RoundTripper }

// RoundTrip sends the request and, if its answer is to be lost, drops it.
func (l lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	next := l.RoundTripper
	if next == nil {
		next = http.DefaultTransport
	}
	res, err := next.RoundTrip(r)
	if err != nil || r.Context().Value(lossKey{}) == nil {
		return res, err
	}
	_ = res.Body.Close() // nobody reads it
	return nil, errLost
}
