package collect_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/collect"
)

// Ensure that every endpoint of the tracking API takes its call, with any way to say the write key.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	const call = `{"anonymousId":"a","userId":"u","event":"Product Viewed","writeKey":"wk"}`
	for path, action := range map[string]string{
		"batch": "page_viewed", "b": "page_viewed", "import": "page_viewed",
		"track": "product_viewed", "t": "product_viewed", "page": "page_viewed", "p": "page_viewed", "screen": "page_viewed", "s": "page_viewed",
		"identify": "identified", "i": "identified", "group": "identified", "g": "identified", "alias": "identified", "a": "identified", "m": "",
	} {
		body := call
		if action == "page_viewed" && (path == "batch" || path == "b" || path == "import") {
			body = `{"writeKey":"wk","batch":[{"type":"page","anonymousId":"a"}]}`
		}
		for name, auth := range map[string]string{"basic": "Basic d2s6", "no colon": "basic d2s=", "bearer": "Bearer x", "none": "", "broken": "Basic !", "another's": "Basic eDo="} {
			l := &log{}
			w := post(newHandler(t, l, clock{now}), "/v1/"+path, body, "Authorization", auth)
			if w.Code != 200 || w.Body.String() != `{"success":true}` {
				t.Errorf("%s, %s: got %d %s", path, name, w.Code, w.Body)
				continue
			}
			if action == "" && len(l.events) > 0 || action != "" && (len(l.events) != 1 || l.events[0].GetEvent().Action != action) {
				t.Errorf("%s, %s: got %v", path, name, l.events)
			}
		}
	}
}

// Ensure that what is not an endpoint says what is, and that another method does.
func TestNoEndpoint(t *testing.T) {
	t.Parallel()
	h := newHandler(t, &log{}, clock{now})
	for _, c := range []struct {
		method, path string
		status       int
		text, allow  string
	}{
		{"POST", "/v1/trakc", 404, "/v1/batch", ""},
		{"GET", "/", 404, "/v1/batch", ""},
		{"POST", "/v1/track/", 404, "/v1/batch", ""},
		{"GET", "/v1/pixel/batch", 404, "/v1/batch", ""},
		{"GET", "/v1/projects//settings", 404, "/v1/batch", ""},
		{"GET", "/v1/projects/nope/settings", 404, "unknown write key", ""},
		{"GET", "/v1/track", 405, "takes POST, not GET", "POST, OPTIONS"},
		{"PUT", "/v1/batch", 405, "takes POST", "POST, OPTIONS"},
		{"POST", "/v1/pixel/track", 405, "takes GET, HEAD", "GET, HEAD, OPTIONS"},
		{"DELETE", "/v1/projects/wk/settings", 405, "takes GET", "GET, HEAD, OPTIONS"},
		{"", "/v1/m", 405, "takes POST", "POST, OPTIONS"},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		r.Method = c.method
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.text) || !strings.HasPrefix(w.Body.String(), `{"`) || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: got %d %s, Allow %q", c.method, c.path, w.Code, w.Body, w.Header().Get("Allow"))
		}
	}
}

// Ensure that a browser may ask first, whatever it wants to send where.
func TestPreflights(t *testing.T) {
	t.Parallel()
	h := newHandler(t, &log{}, clock{now})
	for path, methods := range map[string]string{"/v1/t": "POST, OPTIONS", "/v1/m": "POST, OPTIONS", "/v1/b": "POST, OPTIONS",
		"/v1/pixel/page": "GET, HEAD, OPTIONS", "/v1/projects/wk/settings": "GET, HEAD, OPTIONS"} {
		r := httptest.NewRequest(http.MethodOptions, path, nil)
		r.Header.Set("Origin", "https://shop.example")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		for header, want := range map[string]string{"Methods": methods, "Headers": "Authorization, Content-Type, X-Retry-Count", "Max-Age": "", "Origin": "https://shop.example", "Credentials": "true"} {
			prefix := "Access-Control-Allow-"
			if header == "Max-Age" {
				prefix, want = "Access-Control-", "3600"
			}
			if got := w.Header().Get(prefix + header); w.Code != 204 || got != want {
				t.Errorf("%s: got %d, %s %q, want %q", path, w.Code, header, got, want)
			}
		}
	}
}

// Ensure that a store may say which pages send for it; servers, which have no origin, always may.
func TestOrigins(t *testing.T) {
	t.Parallel()
	l := &log{}
	h := newHandlerWith(t, l, clock{now}, func(c *collect.Config) { c.Stores["wk"].Origins = []string{"https://Shop.example"} })
	for origin, status := range map[string]int{"": 200, "https://shop.example": 200, "https://evil.example": 403, "null": 403} {
		header := []string{"Content-Type", "text/plain"}
		if origin != "" {
			header = append(header, "Origin", origin)
		}
		if w := post(h, "/v1/t", browserCall, header...); w.Code != status {
			t.Errorf("%q: got %d %s, want %d", origin, w.Code, w.Body, status)
		}
	}
	if len(l.events) != 2 {
		t.Errorf("got %d events", len(l.events))
	}
}

// Ensure that a body which needs more than the buffer at hand, and one read byte by byte, arrives whole.
func TestBodies(t *testing.T) {
	t.Parallel()
	l := &log{}
	h := newHandler(t, l, clock{now})
	item := `{"type":"page","anonymousId":"a","properties":{"x":"` + strings.Repeat("y", 30_000) + `"}}`
	if w := post(h, "/v1/batch", `{"batch":[`+strings.Repeat(item+",", 10)+item+`]}`); w.Code != 200 || len(l.events) != 11 {
		t.Errorf("got %d %s, %d events", w.Code, w.Body, len(l.events))
	}
	for encoding, status := range map[string]int{"br": 415, "gzip": 400, "identity": 200} {
		if w := post(h, "/v1/t", browserCall, "Content-Encoding", encoding); w.Code != status {
			t.Errorf("%s: got %d %s, want %d", encoding, w.Code, w.Body, status)
		}
	}
}
