package shop_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/services/ingest/shop"
)

const visitor = "0f0e0d0c-0b0a-4908-8706-050403020100"

// views answers from rows, and notes what it was asked.
type views struct {
	rows   map[string][]any // by the view that a query names
	err    error
	asked  []clickhouse.Params
	inside func(context.Context)
}

func (v *views) EachBound(ctx context.Context, query string, params clickhouse.Params, row func(scan func(dest ...any) error) error) error {
	v.asked = append(v.asked, params)
	if v.inside != nil {
		v.inside(ctx)
	}
	if v.err != nil {
		return v.err
	}
	for view, values := range v.rows {
		if strings.Contains(query, view) {
			return row(func(dest ...any) error {
				for i, d := range dest {
					reflect.ValueOf(d).Elem().Set(reflect.ValueOf(values[i]))
				}
				return nil
			})
		}
	}
	return nil
}

func config(v shop.Views) shop.Config {
	return shop.Config{Store: "demo", WriteKey: "wk", Currency: "EUR", Views: v, Now: func() (time.Time, bool) { return time.UnixMilli(77), true }}
}

func newShop(t *testing.T, c shop.Config) *shop.Shop {
	t.Helper()
	s, err := shop.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(s http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r, w := httptest.NewRequest(method, target, nil), httptest.NewRecorder()
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	s.ServeHTTP(w, r)
	return w
}

// Ensure that the page and all that it names is served, with types that browsers take, and nothing else; and that the policy
// lets nothing foreign in.
func TestFiles(t *testing.T) {
	s := newShop(t, config(&views{}))
	w := ask(s, "GET", "/shop/")
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'self'") {
		t.Fatalf("got %d %v", w.Code, w.Header())
	}
	named := regexp.MustCompile(`(?:src|href)="([a-z/]+\.[a-z]+)"|from '\./([a-z]+\.js)'`)
	page, seen := w.Body.String(), map[string]bool{}
	for _, script := range []string{"app.js", "link.js", "strip.js", "views.js"} {
		page += ask(s, "GET", "/shop/"+script).Body.String()
	}
	for _, m := range named.FindAllStringSubmatch(page, -1) {
		name := m[1] + m[2]
		if seen[name] {
			continue
		}
		seen[name] = true
		w := ask(s, "GET", "/shop/"+name)
		if w.Code != 200 || w.Body.Len() == 0 || w.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: got %d, %v", name, w.Code, w.Header())
		}
		if again := ask(s, "GET", "/shop/"+name, "If-None-Match", w.Header().Get("ETag")); again.Code != 304 {
			t.Errorf("%s: asked again, got %d", name, again.Code)
		}
		if strings.HasSuffix(name, ".js") && !strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") {
			t.Errorf("%s is a %s: no browser runs that", name, w.Header().Get("Content-Type"))
		}
	}
	if len(seen) < 10 {
		t.Errorf("the page names %d files", len(seen))
	}
	if foreign := regexp.MustCompile(`https?://[^\s"'<]*`).FindString(strings.ReplaceAll(page, "http://www.w3.org/2000/svg", "")); foreign != "" {
		t.Errorf("the page names %s", foreign)
	}
	for target, want := range map[string]int{"/shop/none.js": 404, "/shop/../app.go": 404, "/shop/page/index.html": 404, "/shop/drawings": 404, "/shop/drawings/mug.svg": 200} {
		if w := ask(s, "GET", target); w.Code != want {
			t.Errorf("%s: got %d, want %d", target, w.Code, want)
		}
	}
}

// Ensure that an address without its slash keeps where the visit comes from, and that nothing can be written.
func TestRedirectAndMethods(t *testing.T) {
	s := newShop(t, config(&views{}))
	if w := ask(s, "GET", "/shop?utm_source=newsletter"); w.Code != 307 || w.Header().Get("Location") != "/shop/?utm_source=newsletter" {
		t.Errorf("got %d to %s", w.Code, w.Header().Get("Location"))
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		for _, target := range []string{"/shop/", "/shop/config", "/shop/session?visitor=" + visitor} {
			if w := ask(s, method, target); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" || w.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s: got %d, %v", method, target, w.Code, w.Header())
			}
		}
	}
}

// Ensure that the page is told what it needs, and that a shop with a driven clock is closed until it is opened.
func TestConfigAndOpening(t *testing.T) {
	c := config(&views{})
	c.Driven = true
	var set bool
	c.Now = func() (time.Time, bool) { return time.UnixMilli(77), set }
	s := newShop(t, c)
	told := func(s *shop.Shop) map[string]any {
		var out map[string]any
		if err := json.Unmarshal(ask(s, "GET", "/shop/config").Body.Bytes(), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := told(s); got["open"] != false || got["now"] != 0. || got["driven"] != true || got["writeKey"] != "wk" || got["store"] != "demo" || got["currency"] != "EUR" {
		t.Errorf("got %v", got)
	}
	set = true
	if got := told(s); got["open"] != false {
		t.Error("open while the day is played")
	}
	set = false
	s.Open()
	if got := told(s); got["open"] != false {
		t.Error("open before the clock is set")
	}
	set = true
	if got := told(s); got["open"] != true || got["now"] != 77. {
		t.Errorf("got %v", got)
	}
	if told(s)["run"] == told(newShop(t, c))["run"] {
		t.Error("two starts have one name")
	}
}

// Ensure that a session is told to the one who knows its visitor's id, and to nobody who asks with anything else.
func TestSession(t *testing.T) {
	v := &views{rows: map[string][]any{
		"bi.sessions": {int64(1), int64(2), "Email", "newsletter", "november", "mobile", "Safari", "/shop/", uint8(0), uint8(0), uint32(3), uint32(1), int64(1800), []string{"page_viewed", "purchased"}, "human", uint8(0)},
		"bi.events":   {"m1", "page_viewed", uint8(0)},
	}}
	s := newShop(t, config(v))
	w := ask(s, "GET", "/shop/session?visitor="+visitor)
	for _, want := range []string{`"channel":"Email"`, `"valueMinor":1800`, `"actions":["page_viewed","purchased"]`, `"events":[{"id":"m1","action":"page_viewed","late":0}]`, `"now":77`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("got %d %s, want %s in it", w.Code, w.Body, want)
		}
	}
	if got := w.Header().Get("Cache-Control"); w.Code != 200 || got != "no-store" {
		t.Errorf("got %d, Cache-Control %s", w.Code, got)
	}
	for _, p := range v.asked {
		if p["store"] != "demo" || p["visitor"] != visitor || len(p) != 2 {
			t.Errorf("ClickHouse was asked with %v", p)
		}
	}
	v.asked = nil
	for _, id := range []string{"", "me", "%25", strings.ToUpper(visitor), visitor + "'", visitor + "%0A", "x" + visitor} {
		if w := ask(s, "GET", "/shop/session?visitor="+id); w.Code != 400 || v.asked != nil {
			t.Errorf("%q: got %d, ClickHouse was asked with %v", id, w.Code, v.asked)
		}
	}
}

// Ensure that a failure says what to do and nothing of the visitor, and that questions cannot pile up.
func TestSessionWithoutClickHouse(t *testing.T) {
	v := &views{err: errors.New("code 60: no table for visitor " + visitor)}
	v.inside = func(ctx context.Context) {
		if _, limited := ctx.Deadline(); !limited {
			t.Error("ClickHouse may take for ever")
		}
	}
	s := newShop(t, config(v))
	w := ask(s, "GET", "/shop/session?visitor="+visitor)
	if w.Code != 503 || !strings.Contains(w.Body.String(), "TRIBUTARY_CLICKHOUSE_ADDR") || strings.Contains(w.Body.String(), visitor) || !strings.Contains(w.Body.String(), `"run"`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	depth := 0
	v.err = nil
	v.inside = func(context.Context) { // each question asks another one, while it is under way
		if depth++; depth > 50 {
			t.Fatal("questions pile up")
		}
		w = ask(s, "GET", "/shop/session?visitor="+visitor)
	}
	ask(s, "GET", "/shop/session?visitor="+visitor)
	if depth < 4 {
		t.Errorf("%d questions at once were too many", depth)
	}
	v.inside = nil
	if w := ask(s, "GET", "/shop/session?visitor="+visitor); w.Code != 200 {
		t.Errorf("afterwards: got %d", w.Code)
	}
}

// Ensure that a shop that could not work is refused.
func TestNewNeeds(t *testing.T) {
	for name, spoil := range map[string]func(*shop.Config){
		"a key": func(c *shop.Config) { c.WriteKey = "" }, "views": func(c *shop.Config) { c.Views = nil }, "a clock": func(c *shop.Config) { c.Now = nil },
	} {
		c := config(&views{})
		spoil(&c)
		if _, err := shop.New(c); err == nil {
			t.Errorf("a shop without %s was made", name)
		}
	}
}
