package collect_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/tributary-data/tributary/pkg/collect"
	"github.com/tributary-data/tributary/pkg/enrich"
	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/schemas"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// log records what was published.
type log struct {
	events, dead []*pb.Record
	keys         [][]byte
	err          error
}

func (l *log) Publish(_ context.Context, events, dead []collect.Message) error {
	if l.err != nil {
		return l.err
	}
	for i, list := range [][]collect.Message{events, dead} {
		for _, m := range list {
			r := &pb.Record{}
			if err := r.UnmarshalVT(m.Value); err != nil {
				return err
			}
			if i == 0 {
				l.events, l.keys = append(l.events, r), append(l.keys, m.Key)
			} else {
				l.dead = append(l.dead, r)
			}
		}
	}
	return nil
}

// clock stands still; zero = not set.
type clock struct{ now time.Time }

func (c clock) Now() (time.Time, uint32, bool) { return c.now, 1, !c.now.IsZero() }

var now = time.Date(2026, 1, 2, 3, 4, 7, 0, time.UTC)

func newHandler(t testing.TB, l collect.Publisher, c collect.Clock) *collect.Handler {
	t.Helper()
	return newHandlerWith(t, l, c, func(*collect.Config) {})
}

// newHandlerWith lets set change the config.
func newHandlerWith(t testing.TB, l collect.Publisher, c collect.Clock, set func(*collect.Config)) *collect.Handler {
	t.Helper()
	en, err := enrich.New(schemas.Channels, enrich.StoreRules{OwnDomains: []string{"shop.example"}, BrandPattern: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	names, err := event.NewNames(schemas.Actions)
	if err != nil {
		t.Fatal(err)
	}
	config := collect.Config{Stores: collect.Stores{"wk": {Name: "demo", Currency: "EUR", Enricher: en}}, Names: names, Publisher: l, Clock: c}
	set(&config)
	h, err := collect.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// post answers one request with the write key wk as basic authorization.
func post(h http.Handler, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Basic d2s6")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func sha(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// browserCall is a call as the browser SDK sends it.
const browserCall = `{"type":"track","event":"Product Added","anonymousId":"a1","userId":null,"properties":{"cart_id":"c1","product_id":"p1","price":18.99,"quantity":1,"currency":"usd","value":"18.99"},"context":{"page":{"url":"https://shop.example/p1?utm_source=google&utm_medium=cpc&gclid=x","referrer":"https://www.google.com/"},"campaign":{"source":"google","medium":"cpc"}},"messageId":"ajs-next-1","timestamp":"2026-01-02T03:04:05.000Z","sentAt":"2026-01-02T03:04:06.000Z","writeKey":"wk","integrations":{},"_metadata":{"bundled":["Segment.io"],"unbundled":[],"bundledIds":[]}}`

func TestBrowserCall(t *testing.T) {
	l := &log{}
	w := post(newHandler(t, l, clock{now}), "/v1/t", browserCall, "Content-Type", "text/plain", "Origin", "https://shop.example")
	if w.Code != 200 || w.Body.String() != `{"success":true}` || w.Header().Get("Access-Control-Allow-Origin") != "https://shop.example" {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	id := event.IDFromMessage("ajs-next-1")
	got := l.events[0]
	want := &pb.Record{Kind: pb.Kind_KIND_EVENT, Store: "demo", IngestTs: now.UnixMilli(), Flags: 1, Body: &pb.Record_Event{Event: &pb.Event{
		EventId: id[:], Visitor: "a1", Action: "cart_added", Interactive: true, EventTs: now.Add(-2 * time.Second).UnixMilli(),
		OriginalTs: now.Add(-2 * time.Second).UnixMilli(), SentTs: now.Add(-time.Second).UnixMilli(), MessageId: "ajs-next-1",
		PayloadHash: got.GetEvent().PayloadHash, Url: "https://shop.example/p1?utm_source=google&utm_medium=cpc&gclid=x",
		Referrer: "https://www.google.com/", Product: "p1", CartToken: "c1", Quantity: 1, Money: &pb.Money{Minor: 1899, Currency: "USD", Exponent: 2},
		Properties: got.GetEvent().Properties, Protocol: "segment", Origin: "browser",
		Entry: &pb.Entry{Channel: "Paid Search", Source: "google", Medium: "cpc", BrandSearch: "no", ClickIdKind: "gclid", ClickId: "x",
			Device: "other", LandingPath: "/p1", Ruleset: got.GetEvent().Entry.Ruleset}}}}
	if !got.EqualVT(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if string(l.keys[0]) != string(event.Key("demo", "a1", "")) {
		t.Errorf("got key %q", l.keys[0])
	}
}

// Ensure that a server's gzip batch is taken item by item: one without any id goes to dead letters, the rest does not.
func TestServerBatch(t *testing.T) {
	var z bytes.Buffer
	zw := gzip.NewWriter(&z)
	_, err := io.WriteString(zw, `{"batch":[{"type":"identify","userId":"u1","anonymousId":"a1","traits":{"email":" X@y.Z "}},{"type":"track","userId":"u1","event":"Order Completed","properties":{"order_id":"o1","revenue":20,"total":25,"currency":"USD","products":[]},"messageId":"m2","timestamp":"2026-01-02T03:00:00Z"},{"type":"track","event":"Product Viewed"}],"sentAt":"2026-01-02T03:04:06Z","writeKey":"wk","context":{"library":{"name":"t"}}}`)
	if err != nil || zw.Close() != nil {
		t.Fatal("gzip failed")
	}
	l := &log{}
	if w := post(newHandler(t, l, clock{now}), "/v1/batch", z.String(), "Content-Encoding", "gzip", "Authorization", "Bearer x"); w.Code != 200 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if len(l.events) != 2 || len(l.dead) != 1 {
		t.Fatalf("got %d events, %d dead letters", len(l.events), len(l.dead))
	}
	identify, order := l.events[0].GetEvent(), l.events[1].GetEvent()
	if identify.Action != "identified" || identify.Interactive || identify.EmailHash != sha("x@y.z") {
		t.Errorf("identify: got %v", identify)
	}
	if order.Action != "purchased" || order.Money.Minor != 2000 || order.OrderId != "o1" || order.Visitor != "" || order.Sequence != 1 ||
		order.Origin != "server" || order.EventTs != now.Add(-4*time.Minute-7*time.Second).UnixMilli() {
		t.Errorf("order: got %v", order)
	}
	d := l.dead[0].GetDeadLetter()
	if d.Reason != "no_user_anon_id" || string(d.Original) != `{"type":"track","event":"Product Viewed"}` || d.Rule == "" || l.dead[0].Store != "demo" {
		t.Errorf("dead letter: got %v", d)
	}
}

// Ensure what is refused, and that the answer says what to do.
func TestRefusals(t *testing.T) {
	big := `{"batch":[{"type":"page","anonymousId":"a","properties":{"x":"` + strings.Repeat("y", collect.MaxBody) + `"}}]}`
	many := `{"batch":[` + strings.Repeat(`{},`, collect.MaxItems) + `{}]}`
	for _, c := range []struct {
		name, path, body, key string
		status                int
		text                  string
	}{
		{"malformed", "/v1/batch", `{"batch":[{"type":}]}`, "wk", 400, "malformed JSON at byte 18"},
		{"trailing comma", "/v1/track", `{"type":"track",}`, "wk", 400, "malformed JSON at byte 15"},
		{"bad UTF-8", "/v1/track", "{\"type\":\"\xff\"}", "wk", 400, "malformed JSON at byte 9"},
		{"trailing junk", "/v1/track", `{"type":"track"} x`, "wk", 400, "malformed JSON at byte 17"},
		{"not an object", "/v1/batch", `[1]`, "wk", 400, "the body is an object"},
		{"too large", "/v1/batch", big, "wk", 400, "larger than 512000 bytes"},
		{"too many", "/v1/batch", many, "wk", 400, "at most 2500 events, this one has 2501"},
		{"event too large", "/v1/track", `{"anonymousId":"a","event":"x","properties":{"x":"` + strings.Repeat("y", event.MaxBytes) + `"}}`, "wk", 400, "at most 32768 bytes"},
		{"unknown key", "/v1/batch", `{"batch":[]}`, "nope", 401, "unknown write key"},
		{"no key", "/v1/batch", `{"batch":[]}`, "", 401, "unknown write key"},
	} {
		l := &log{}
		r := httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.body))
		if c.key != "" {
			r.SetBasicAuth(c.key, "")
		}
		w := httptest.NewRecorder()
		newHandler(t, l, clock{now}).ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.text) {
			t.Errorf("%s: got %d %.200s, want %d with %q", c.name, w.Code, w.Body, c.status, c.text)
		}
		if len(l.events)+len(l.dead) > 0 {
			t.Errorf("%s: something was published", c.name)
		}
	}
}

// Ensure that an inflated body counts, not the compressed one.
func TestGzipBomb(t *testing.T) {
	var z bytes.Buffer
	zw := gzip.NewWriter(&z)
	_, err := zw.Write(make([]byte, 10*collect.MaxBody))
	if err != nil || zw.Close() != nil {
		t.Fatal("gzip failed")
	}
	w := post(newHandler(t, &log{}, clock{now}), "/v1/batch", z.String(), "Content-Encoding", "gzip")
	if w.Code != 400 || !strings.Contains(w.Body.String(), "after decompression") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// Ensure one reason per fault, with the event kept as it came.
func TestDeadLetters(t *testing.T) {
	for item, want := range map[string]string{
		`{"type":"track","event":"x"}`:                                                                       "no_user_anon_id at anonymousId",
		`{"type":"track","anonymousId":"a"}`:                                                                 "event_name_missing at event",
		`{"type":"trakc","anonymousId":"a"}`:                                                                 "type_unknown at type",
		`{"type":"track","anonymousId":7,"event":"x"}`:                                                       "field_type_wrong at anonymousId",
		`{"type":"page","anonymousId":"a","context":{"page":{"url":1}}}`:                                     "field_type_wrong at context.page.url",
		`{"type":"page","anonymousId":"a","timestamp":"yesterday"}`:                                          "timestamp_invalid at timestamp",
		`{"type":"page","anonymousId":"a","sentAt":"x"}`:                                                     "timestamp_invalid at sentAt",
		`{"type":"page","anonymousId":"a","messageId":"` + strings.Repeat("m", 101) + `"}`:                   "message_id_too_long at messageId",
		`{"type":"page","userId":"` + strings.Repeat("u", 256) + `"}`:                                        "user_id_too_long at userId",
		`{"type":"track","anonymousId":"a","event":"` + strings.Repeat("e", 201) + `"}`:                      "event_name_too_long at event",
		`{"type":"page","anonymousId":"a","properties":{"x":"` + strings.Repeat("y", event.MaxBytes) + `"}}`: "event_too_large at ",
		`17`: "item_not_object at ",
	} {
		l := &log{}
		w := post(newHandler(t, l, clock{now}), "/v1/batch", `{"batch":[`+item+`,{"type":"page","anonymousId":"good"}]}`)
		if w.Code != 200 || len(l.dead) != 1 || len(l.events) != 1 {
			t.Errorf("%.60s: got %d, %d dead letters, %d events", item, w.Code, len(l.dead), len(l.events))
			continue
		}
		d := l.dead[0].GetDeadLetter()
		if got := d.Reason + " at " + d.Path; got != want || string(d.Original) != item {
			t.Errorf("%.60s: got %s, want %s", item, got, want)
		}
	}
}

// Ensure that a client is told to come back while records cannot be made safe.
func TestBusy(t *testing.T) {
	for name, h := range map[string]*collect.Handler{
		"log":   newHandler(t, &log{err: errors.New("no leader")}, clock{now}),
		"clock": newHandler(t, &log{}, clock{}),
	} {
		w := post(h, "/v1/t", browserCall)
		if w.Code != 503 || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "leader") {
			t.Errorf("%s: got %d, Retry-After %q, %s", name, w.Code, w.Header().Get("Retry-After"), w.Body)
		}
	}
}

// Ensure that an event without id has the same one on a retry of the same body, if it has a time.
func TestIDsWithoutMessageID(t *testing.T) {
	l := &log{}
	h := newHandler(t, l, clock{now})
	timed := `{"batch":[{"type":"page","anonymousId":"a","timestamp":"2026-01-02T03:04:05Z"},{"type":"page","anonymousId":"a","timestamp":"2026-01-02T03:04:05Z"}]}`
	for range 2 {
		post(h, "/v1/batch", timed)
		post(h, "/v1/page", `{"anonymousId":"a"}`)
	}
	id := func(i int) string { return string(l.events[i].GetEvent().EventId) }
	if id(0) != id(3) || id(1) != id(4) || id(0) == id(1) {
		t.Error("timed events: the ids are not those of body and index")
	}
	if id(2) == id(5) {
		t.Error("two events without time and id are taken for one")
	}
}

// Ensure that a retry that only changed sentAt has the same payload hash, and another payload has another.
func TestPayloadHash(t *testing.T) {
	l := &log{}
	h := newHandler(t, l, clock{now})
	post(h, "/v1/t", browserCall)
	post(h, "/v1/t", strings.Replace(browserCall, "03:04:06.000Z", "03:05:06.000Z", 1))
	post(h, "/v1/t", strings.Replace(browserCall, "18.99", "17.99", 1))
	hash := func(i int) uint64 { return l.events[i].GetEvent().PayloadHash }
	if hash(0) != hash(1) || hash(0) == hash(2) {
		t.Errorf("got hashes %x %x %x", hash(0), hash(1), hash(2))
	}
	// The time of sending may equal another time in the event, which a retry does not change.
	same := strings.Replace(browserCall, "03:04:05.000Z", "03:04:06.000Z", 1)
	post(h, "/v1/t", same)
	post(h, "/v1/t", strings.Replace(same, `"sentAt":"2026-01-02T03:04:06.000Z"`, `"sentAt":"2026-01-02T03:09:06.000Z"`, 1))
	post(h, "/v1/batch", `{"batch":[{},`+same+`]}`)
	if hash(3) != hash(4) || hash(3) != hash(5) {
		t.Errorf("with equal times: got hashes %x %x %x", hash(3), hash(4), hash(5))
	}
}

func TestMoney(t *testing.T) {
	l := &log{}
	h := newHandler(t, l, clock{now})
	for _, p := range []string{`"revenue":"20.005","total":25`, `"total":25.5,"value":1,"currency":"jpy"`, `"value":-3`, `"revenue":"x"`, `"revenue":{}`, `"price":3`} {
		post(h, "/v1/track", `{"anonymousId":"a","event":"Order Completed","properties":{`+p+`}}`)
	}
	var got []string
	for _, r := range l.events {
		got = append(got, fmt.Sprintf("%d%s", r.GetEvent().Money.GetMinor(), r.GetEvent().Money.GetCurrency()))
	}
	if want := []string{"2001EUR", "26JPY", "-300EUR", "0", "0", "0"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Ensure that a store whose meaning is not known everywhere takes nothing, and says what to do.
func TestClosedStore(t *testing.T) {
	l, open := &log{}, &atomic.Bool{}
	en, err := enrich.New(schemas.Channels, enrich.StoreRules{})
	if err != nil {
		t.Fatal(err)
	}
	names, err := event.NewNames(schemas.Actions)
	if err != nil {
		t.Fatal(err)
	}
	h, err := collect.New(collect.Config{Stores: collect.Stores{"wk": {Name: "demo", Enricher: en, Open: open}}, Names: names, Publisher: l, Clock: clock{now}})
	if err != nil {
		t.Fatal(err)
	}
	if w := post(h, "/v1/t", browserCall); w.Code != 503 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "tributary store apply") {
		t.Errorf("closed: got %d %s", w.Code, w.Body)
	}
	open.Store(true)
	if w := post(h, "/v1/t", browserCall); w.Code != 200 || len(l.events) != 1 {
		t.Errorf("open: got %d %s", w.Code, w.Body)
	}
}

func TestSettingsAndPreflight(t *testing.T) {
	h := newHandler(t, &log{}, clock{now})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://ingest.example/v1/projects/wk/settings", nil))
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"apiHost":"ingest.example/v1"`) || !strings.Contains(w.Body.String(), `"apiKey":"wk"`) {
		t.Errorf("settings: got %d %s", w.Code, w.Body)
	}
	r := httptest.NewRequest(http.MethodOptions, "/v1/t", nil)
	r.Header.Set("Origin", "https://shop.example")
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 204 || !strings.Contains(w.Header().Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("preflight: got %d %v", w.Code, w.Header())
	}
}

// FuzzHandler: whatever comes where, the answer is one of the documented ones, and every item is an event or a dead
// letter.
func FuzzHandler(f *testing.F) {
	f.Add("POST", "/v1/t", "", []byte(browserCall))
	f.Add("POST", "/v1/batch", "", []byte(`{"batch":[{"type":"page","anonymousId":"a"},{"type":"track"},7]}`))
	f.Add("POST", "/v1/b", "", []byte(`{"batch":{},"context":[]}`))
	f.Add("POST", "/v1/alias", "", []byte(`{"previousId":"p","userId":"u","context":{"consent":{"categoryPreferences":{"a":true}}}}`))
	f.Add("GET", "/v1/pixel/track", "data=eyJ3cml0ZUtleSI6IndrIiwidXNlcklkIjoidTEiLCJldmVudCI6IkVtYWlsIE9wZW5lZCJ9", []byte{})
	f.Add("GET", "/v1/pixel/page", "writeKey=wk&userId=u&properties.a.b=c", []byte{})
	l := &log{}
	h := newHandler(f, l, clock{now})
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte) {
		*l = log{}
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("Authorization", "Basic d2s6")
		r.Method, r.URL.Path, r.URL.RawQuery = method, path, query
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !slices.Contains([]int{200, 204, 400, 404, 405}, w.Code) {
			t.Errorf("%s %q: got %d %s", method, path, w.Code, w.Body)
		}
		if strings.HasPrefix(path, "/v1/pixel/") && w.Code == 400 {
			t.Errorf("a pixel was refused: %s", w.Body)
		}
		for _, e := range l.events {
			if ev := e.GetEvent(); ev.Visitor == "" && ev.User == "" || len(ev.EventId) != 16 || ev.Action == "" && ev.Properties == nil {
				t.Errorf("got event %v", ev)
			}
		}
	})
}
