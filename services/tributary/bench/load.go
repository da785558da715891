package bench

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tributary-data/tributary/services/tributary/traffic"
)

const (
	// perBatch events in a request, as browsers' and servers' libraries send.
	perBatch = 10
	// concurrency of the requests.
	concurrency = 32
	// minutes of virtual time that a round takes, and how many lie between a visitor's first batch and the second.
	minutes, apart = 60, 5
)

// load makes requests: batches of ten events of one visitor, who comes back once some minutes later. One in twenty tells
// times ten minutes in the past.
type load struct{ batches int }

func newLoad(events int) load { return load{batches: max(2*minutes, events/perBatch/minutes*minutes)} }

func (l load) events() int { return l.batches * perBatch }

// begin of virtual time.
var begin = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// clock at a batch.
func (l load) clock(batch int) time.Time {
	return begin.Add(time.Duration(batch*minutes/l.batches) * time.Minute)
}

// visitor of a batch: who comes first in some minutes comes back in as many after them.
func (l load) visitor(batch int) int {
	n := l.batches / minutes * apart
	return batch/(2*n)*n + batch%n
}

// body writes a batch into b.
func (l load) body(b *bytes.Buffer, batch int) {
	at := l.clock(batch).Add(-30 * time.Second)
	if batch%20 == 7 {
		at = at.Add(-10 * time.Minute)
	}
	messages := make([]traffic.Message, perBatch)
	for i := range messages {
		messages[i] = traffic.Message{Action: actions[i], Visitor: l.visitor(batch), Turn: batch, ID: fmt.Sprintf("m-%08d-%02d-0f3c-9d1e-5a6b7c8d9e0f", batch, i),
			At: at.Add(time.Duration(i) * time.Second)}
	}
	traffic.Batch(b, l.clock(batch), messages...)
}

// actions of a batch.
var actions = [perBatch]traffic.Action{
	{Kind: "page", Path: "/"},
	{Kind: "track", Name: "Product List Viewed", Properties: `"list_id":"jackets",`, Path: "/jackets"},
	{Kind: "track", Name: "Product Viewed", Properties: `"product_id":"p-{}","price":89.95,`, Path: "/p/{}", Place: 1},
	{Kind: "track", Name: "Product Viewed", Properties: `"product_id":"p-{}","price":129.00,`, Path: "/p/{}", Place: 2},
	{Kind: "track", Name: "Product Added to Wishlist", Properties: `"product_id":"p-{}",`, Path: "/p/{}", Place: 2},
	{Kind: "track", Name: "Products Searched", Properties: `"query":"softshell",`, Path: "/search"},
	{Kind: "track", Name: "Product Viewed", Properties: `"product_id":"p-{}","price":149.00,`, Path: "/p/{}", Place: 3},
	{Kind: "track", Name: "Product Added", Properties: `"product_id":"p-{}","quantity":1,"price":149.00,`, Path: "/p/{}", Place: 3},
	{Kind: "track", Name: "Cart Viewed", Properties: `"cart_id":"c-77",`, Path: "/cart"},
	{Kind: "track", Name: "Checkout Started", Properties: `"value":149.00,`, Path: "/checkout"},
}

// send sends all batches to ingest, or to whatever answers at addr, and moves ingest's clock with them.
func (l load) send(ctx context.Context, addr string, moved func(context.Context, time.Time) error) (time.Duration, error) {
	tr := &http.Transport{MaxIdleConnsPerHost: concurrency, MaxConnsPerHost: concurrency}
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr, Timeout: time.Minute}
	began := time.Now()
	for from := 0; from < l.batches; {
		now, to := l.clock(from), from
		for to < l.batches && l.clock(to).Equal(now) {
			to++
		}
		if err := moved(ctx, now); err != nil {
			return 0, err
		}
		if err := l.sendRange(ctx, client, "http://"+addr+"/v1/batch", from, to); err != nil {
			return 0, err
		}
		from = to
	}
	return time.Since(began), moved(ctx, l.clock(l.batches).Add(time.Minute))
}

func (l load) sendRange(ctx context.Context, client *http.Client, url string, from, to int) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var next atomic.Int64
	next.Store(int64(from))
	var workers sync.WaitGroup
	for range concurrency {
		workers.Go(func() {
			var b bytes.Buffer
			for i := int(next.Add(1)) - 1; i < to && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				l.body(&b, i)
				if err := traffic.Post(ctx, client, url, b.Bytes()); err != nil {
					fail(err)
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}
