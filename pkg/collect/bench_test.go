package collect

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/enrich"
	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/schemas"
)

var benchAgents = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/%d.5 Mobile/15E148 Safari/604.1",
}

var benchReferrers = []string{"", "https://www.google.com/", "https://l.facebook.com/", "https://shop.example/cart", "https://blog.example.org/best"}

// benchBodies are n different batches of ten events of some 700 bytes, as a browser SDK sends them.
func benchBodies(n int) [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([][]byte, n)
	for i := range out {
		var b bytes.Buffer
		b.WriteString(`{"batch":[`)
		for k := range 10 {
			if k > 0 {
				b.WriteByte(',')
			}
			product := r.IntN(5000)
			query := ""
			if r.IntN(2) == 0 {
				query = fmt.Sprintf("?utm_source=google&utm_medium=cpc&utm_campaign=summer%%20%d&gclid=x%d", r.IntN(9), r.Int32())
			}
			fmt.Fprintf(&b, `{"type":"track","event":"Product Added","anonymousId":"%016x","userId":null,"properties":{"cart_id":"c%d","product_id":"p%d","price":%d.99,"quantity":%d,"currency":"usd","value":"%d.99"},"context":{"page":{"url":"https://shop.example/p%d%s","referrer":"%s","title":"Product %d"},"userAgent":"%s","locale":"en-GB","library":{"name":"analytics.js","version":"2.1.0"}},"messageId":"ajs-next-%016x%016x","timestamp":"2026-01-02T03:04:%02d.000Z","integrations":{},"_metadata":{"bundled":["Segment.io"],"unbundled":[],"bundledIds":[]}}`,
				r.Uint64N(100_000), r.IntN(9999), product, product%90, 1+r.IntN(4), product%90, product, query, benchReferrers[r.IntN(len(benchReferrers))],
				product, fmt.Sprintf(benchAgents[r.IntN(len(benchAgents))], 120+r.IntN(20)), r.Uint64(), r.Uint64(), k)
		}
		b.WriteString(`],"sentAt":"2026-01-02T03:04:30.000Z","writeKey":"wk"}`)
		out[i] = b.Bytes()
	}
	return out
}

func perEvent(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*10), "ns/event")
}

// BenchmarkDecode decodes and validates batches of ten events.
func BenchmarkDecode(b *testing.B) {
	all := benchBodies(256)
	d := &decoder{}
	b.SetBytes(int64(len(all[0])))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if !d.decode(all[i%256], "") {
			b.Fatal(d.failure())
		}
		for k := range d.items {
			d.items[k].context.under(&d.base)
			if f := d.items[k].faultOf(); f != nil {
				b.Fatal(f)
			}
		}
	}
	perEvent(b)
}

// BenchmarkOracle is BenchmarkDecode with json/v2.
func BenchmarkOracle(b *testing.B) {
	all := benchBodies(256)
	b.SetBytes(int64(len(all[0])))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := oracle(all[i%256], ""); err != nil {
			b.Fatal(err)
		}
	}
	perEvent(b)
}

type benchPublisher struct{}

func (benchPublisher) Publish(context.Context, []Message, []Message) error { return nil }

type benchClock struct{}

func (benchClock) Now() (time.Time, uint32, bool) {
	return time.Date(2026, 1, 2, 3, 4, 31, 0, time.UTC), 0, true
}

// benchWriter is a response that nobody reads.
type benchWriter struct {
	header http.Header
	status int
}

func (w *benchWriter) Header() http.Header         { return w.header }
func (w *benchWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w *benchWriter) WriteHeader(status int)      { w.status = status }

// benchBody is a request's body that can be rewound.
type benchBody struct{ bytes.Reader }

func (*benchBody) Close() error { return nil }

func benchHandler(b *testing.B) *Handler {
	en, err := enrich.New(schemas.Channels, enrich.StoreRules{OwnDomains: []string{"shop.example"}, BrandPattern: "acme"})
	if err != nil {
		b.Fatal(err)
	}
	names, err := event.NewNames(schemas.Actions)
	if err != nil {
		b.Fatal(err)
	}
	h, err := New(Config{Stores: Stores{"wk": {Name: "demo", Currency: "EUR", Enricher: en}}, Names: names, Publisher: benchPublisher{}, Clock: benchClock{}})
	if err != nil {
		b.Fatal(err)
	}
	return h
}

// BenchmarkBatch is requests of ten events, from HTTP handler to encoded records, without net/http's own part.
func BenchmarkBatch(b *testing.B) {
	h, all := benchHandler(b), benchBodies(256)
	body := &benchBody{}
	r, err := http.NewRequest(http.MethodPost, "http://ingest.example/v1/batch", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Basic d2s6")
	r.Body = body
	w := &benchWriter{header: http.Header{}}
	b.SetBytes(int64(len(all[0])))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		body.Reset(all[i%256])
		if h.ServeHTTP(w, r); w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
	perEvent(b)
}
