package collect_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tributary-data/tributary/pkg/collect"
)

// load loads a pixel as an image would and checks that it is one.
func load(t *testing.T, h http.Handler, path string, header ...string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 200 || w.Header().Get("Content-Type") != "image/gif" || !strings.HasPrefix(w.Body.String(), "GIF89a") || w.Body.Len() != 43 {
		t.Errorf("%s: got %d, %s, %q", path, w.Code, w.Header().Get("Content-Type"), w.Body)
	}
}

func TestPixel(t *testing.T) {
	t.Parallel()
	const call = `{"writeKey":"wk","userId":"u1","event":"Email Opened","properties":{"subject":"??>>>~~"}}`
	flat := url.Values{"writeKey": {"wk"}, "userId": {"u1"}, "event": {"Email Opened"}, "properties.subject": {"??>>>~~"}}
	for name, c := range map[string]struct{ query, auth string }{
		"base64":          {query: "data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(call)))},
		"not escaped":     {query: "data=" + base64.StdEncoding.EncodeToString([]byte(call))},
		"url-safe base64": {query: "data=" + base64.RawURLEncoding.EncodeToString([]byte(call))},
		"flat":            {query: flat.Encode()},
		"basic":           {query: "data=" + base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(call, "wk", "", 1))), auth: "Basic d2s6"},
		"key beside":      {query: "writeKey=wk&data=" + base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(call, "wk", "", 1)))},
	} {
		l := &log{}
		load(t, newHandler(t, l, clock{now}), "/v1/pixel/track?"+c.query, "User-Agent", "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X)", "Authorization", c.auth)
		if len(l.events) != 1 {
			t.Errorf("%s: got %d events, %v", name, len(l.events), l.dead)
			continue
		}
		e := l.events[0].GetEvent()
		if e.User != "u1" || e.Action != "email_opened" || e.Interactive || e.Protocol != "pixel" || e.Origin != "browser" || e.EventTs != now.UnixMilli() ||
			e.Entry.Device != "tablet" || !strings.Contains(string(e.Properties), `"subject"`) || len(e.EventId) != 16 {
			t.Errorf("%s: got %v", name, e)
		}
	}
}

// Ensure that every pixel endpoint knows its call.
func TestPixelTypes(t *testing.T) {
	t.Parallel()
	for path, action := range map[string]string{"identify": "identified", "group": "identified", "alias": "identified", "page": "page_viewed", "screen": "page_viewed", "track": "purchased"} {
		l := &log{}
		load(t, newHandler(t, l, clock{now}), "/v1/pixel/"+path+"?writeKey=wk&userId=u&event=Order+Completed&properties.revenue=3&properties.currency=usd&context.page.url=https://shop.example/x")
		if len(l.events) != 1 || l.events[0].GetEvent().Action != action || l.events[0].GetEvent().Money.Minor != 300 || l.events[0].GetEvent().Url != "https://shop.example/x" {
			t.Errorf("%s: got %v", path, l.events)
		}
	}
}

// Ensure that a broken pixel is still an image, leaves a dead letter where the store is known, and is counted where not.
func TestBrokenPixel(t *testing.T) {
	t.Parallel()
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for query, want := range map[string]string{
		"": "unknown_key", "data=": "broken", "writeKey=nope&userId=u": "unknown_key", "data=!": "broken", "data=" + encode(`{"userId"`): "broken",
		"data=" + encode(`{"writeKey":"wk","userId":"u",}`): "record_undecodable",
		"writeKey=wk&data=!":                                 "record_undecodable",
		"writeKey=wk&data=" + encode(`[1]`):                  "record_undecodable",
		"writeKey=wk":                                        "no_user_anon_id",
		"writeKey=wk&userId=u":                               "event_name_missing",
		"writeKey=wk&userId=u&properties=1&properties.a.b=2": "event_name_missing",
		"writeKey=wk&userId=" + strings.Repeat("u", 33_000):  "event_too_large",
		"data=" + encode(`{"writeKey":"wk","userId":7}`):     "field_type_wrong",
		"%zz&writeKey=wk&userId=u;x":                         "no_user_anon_id",
	} {
		l := &log{}
		registry := prometheus.NewRegistry()
		load(t, newHandlerWith(t, l, clock{now}, func(c *collect.Config) { c.Metrics = collect.NewMetrics(registry) }), "/v1/pixel/track?"+query)
		got := lost(t, registry)
		if len(l.dead) == 1 {
			got += l.dead[0].GetDeadLetter().Reason
		}
		if got != want || len(l.events) > 0 {
			t.Errorf("%.60s: got %q, %d events, want %q", query, got, len(l.events), want)
		}
		if len(l.dead) == 1 && (len(l.dead[0].GetDeadLetter().Original) == 0 || l.dead[0].GetDeadLetter().Protocol != "pixel") {
			t.Errorf("%.60s: got dead letter %v", query, l.dead[0])
		}
	}
}

// lost names the reasons that the counter of lost pixels has.
func lost(t *testing.T, g prometheus.Gatherer) (reasons string) {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "tributary_ingest_pixels_lost_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetCounter().GetValue() > 0 {
				reasons += m.GetLabel()[0].GetValue()
			}
		}
	}
	return reasons
}

// Ensure that a pixel is an image also while nothing can be recorded, and that looking at it records nothing.
func TestIdlePixel(t *testing.T) {
	t.Parallel()
	const path = "/v1/pixel/page?writeKey=wk&userId=u"
	for name, c := range map[string]struct {
		log   *log
		clock clock
	}{"log": {&log{err: errors.New("no leader")}, clock{now}}, "clock": {&log{}, clock{}}} {
		registry := prometheus.NewRegistry()
		load(t, newHandlerWith(t, c.log, c.clock, func(c *collect.Config) { c.Metrics = collect.NewMetrics(registry) }), path)
		if got := lost(t, registry); got != "busy" || len(c.log.events) > 0 {
			t.Errorf("%s: got %q", name, got)
		}
	}
	l := &log{}
	w := httptest.NewRecorder()
	newHandler(t, l, clock{now}).ServeHTTP(w, httptest.NewRequest(http.MethodHead, path, nil))
	if w.Code != 200 || w.Body.Len() != 0 || len(l.events) > 0 {
		t.Errorf("HEAD: got %d, %d bytes, %d events", w.Code, w.Body.Len(), len(l.events))
	}
}
