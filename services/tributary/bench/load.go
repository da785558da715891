package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
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
	b.Reset()
	at := l.clock(batch).Add(-30 * time.Second)
	if batch%20 == 7 {
		at = at.Add(-10 * time.Minute)
	}
	b.WriteString(`{"batch":[`)
	who := l.visitor(batch)
	search := "?utm_source=" + sources[who%len(sources)] + "&utm_medium=email&utm_campaign=week-" + strconv.Itoa(who%40)
	for i := range perBatch {
		if i > 0 {
			b.WriteByte(',')
		}
		a := actions[i]
		product := strconv.Itoa(1000 + (who*31+a.place*7+batch)%products)
		path := strings.ReplaceAll(a.path, "{}", product)
		fmt.Fprintf(b, event, a.kind, a.name, who, fmt.Sprintf("m-%08d-%02d-0f3c-9d1e-5a6b7c8d9e0f", batch, i),
			at.Add(time.Duration(i)*time.Second).Format("2006-01-02T15:04:05.000Z"), strings.ReplaceAll(a.properties, "{}", product), path, search, path, search,
			agents[who%len(agents)])
	}
	b.WriteString(`],"sentAt":"` + l.clock(batch).Format("2006-01-02T15:04:05.000Z") + `"}`)
}

// event is a message as Segment's browser library makes it.
const event = `{"type":%q,%s"anonymousId":"3f1c9d5e-8a72-4b06-9e4d-%012d","userId":null,"messageId":%q,"timestamp":%q,"integrations":{},` +
	`"properties":{%s"currency":"EUR","category":"Outdoor/Jackets","brand":"Nordwand","variant":"blue","position":3},` +
	`"context":{"library":{"name":"analytics.js","version":"next-1.81.0"},"locale":"de-DE","timezone":"Europe/Berlin","page":{"path":%q,` +
	`"referrer":"https://www.google.com/","search":%q,"title":"Nordwand Softshell, blue","url":"https://shop.example%s%s"},"userAgent":%q,` +
	`"screen":{"width":390,"height":844,"density":3}}}`

// products of the shop, and what visitors differ in: a stage that shares what is the same must not have it too easy.
const products = 3000

var (
	sources = []string{"newsletter", "welcome", "cart-reminder", "friends", "spring"}
	agents  = []string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0",
		"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
	}
)

// actions of a batch.
var actions = [perBatch]struct {
	kind, name, properties, path string
	place                        int // of the product among those that the visitor looks at
}{
	{"page", "", "", "/", 0},
	{"track", `"event":"Product List Viewed",`, `"list_id":"jackets",`, "/jackets", 0},
	{"track", `"event":"Product Viewed",`, `"product_id":"p-{}","price":89.95,`, "/p/{}", 1},
	{"track", `"event":"Product Viewed",`, `"product_id":"p-{}","price":129.00,`, "/p/{}", 2},
	{"track", `"event":"Product Added to Wishlist",`, `"product_id":"p-{}",`, "/p/{}", 2},
	{"track", `"event":"Products Searched",`, `"query":"softshell",`, "/search", 0},
	{"track", `"event":"Product Viewed",`, `"product_id":"p-{}","price":149.00,`, "/p/{}", 3},
	{"track", `"event":"Product Added",`, `"product_id":"p-{}","quantity":1,"price":149.00,`, "/p/{}", 3},
	{"track", `"event":"Cart Viewed",`, `"cart_id":"c-77",`, "/cart", 0},
	{"track", `"event":"Checkout Started",`, `"value":149.00,`, "/checkout", 0},
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
				if err := post(ctx, client, url, b.Bytes()); err != nil {
					fail(err)
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

func post(ctx context.Context, client *http.Client, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth("demo-write-key", "")
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("send load: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("send load: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("send load: %s: %s", res.Status, text)
	}
	return nil
}
