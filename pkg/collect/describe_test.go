package collect_test

import (
	"maps"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/collect"
	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// only is the one event that a call makes.
func only(t *testing.T, path, body string, header ...string) *pb.Event {
	t.Helper()
	l := &log{}
	h := newHandlerWith(t, l, clock{now}, func(c *collect.Config) { c.CountryHeader = "CF-IPCountry" })
	if w := post(h, path, body, header...); w.Code != 200 || len(l.events) != 1 {
		t.Fatalf("%s: got %d %s, %d events, %v", body, w.Code, w.Body, len(l.events), l.dead)
	}
	return l.events[0].GetEvent()
}

// Ensure that an alias call says who is who, in the partition of the visitor it names.
func TestAlias(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ call, visitor, properties string }{
		{`"userId":"u","previousId":"old"`, "old", `{"previousId":"old"}`},
		{`"userId":"u","previousId":"o\"ld","properties":{ "x":1}`, `o"ld`, `{"previousId":"o\"ld","x":1}`},
		{`"userId":"u","previousId":"old","properties":{ }`, "old", `{"previousId":"old"}`},
		{`"userId":"u","previousId":"old","properties":null`, "old", `{"previousId":"old"}`},
		{`"userId":"u","previousId":"old","properties":[1]`, "old", `[1]`},
		{`"userId":"u","previousId":"old","properties":{"previousId":"mine"}`, "old", `{"previousId":"mine"}`},
		{`"userId":"u","previousId":"old","anonymousId":"a"`, "a", `{"previousId":"old"}`},
		{`"userId":"u","previousId":17`, "17", `{"previousId":"17"}`},
		{`"userId":"u","previousId":null`, "", ``},
		{`"userId":"u"`, "", ``},
	} {
		e := only(t, "/v1/alias", `{`+c.call+`}`)
		if e.Action != event.Identified || e.Interactive || e.User != "u" || e.Visitor != c.visitor || string(e.Properties) != c.properties {
			t.Errorf("%s: got %v", c.call, e)
		}
	}
	if e := only(t, "/v1/identify", `{"userId":"u","previousId":"old"}`); e.Visitor != "" || len(e.Properties) > 0 {
		t.Errorf("previousId of another call: got %v", e)
	}
	l := &log{}
	h := newHandler(t, l, clock{now})
	post(h, "/v1/alias", `{"previousId":"old"}`)
	post(h, "/v1/alias", `{"userId":"u","previousId":"`+strings.Repeat("x", 256)+`"}`)
	if len(l.dead) != 2 || l.dead[0].GetDeadLetter().Reason != "no_user_anon_id" || l.dead[1].GetDeadLetter().Path != "previousId" {
		t.Errorf("got %v", l.dead)
	}
}

func TestConsent(t *testing.T) {
	t.Parallel()
	for consent, want := range map[string]string{
		`{"categoryPreferences":{"Marketing":true,"Analytics":false}}`:                            "Analytics=0,Marketing=1",
		`{"categoryPreferences":{"b":true,"a":true,"b":false}}`:                                   "a=1,b=0",
		`{"categoryPreferences":{"x=1,y":true,"100%":false}}`:                                     "100%25=0,x%3D1%2Cy=1",
		`{"categoryPreferences":{"a":"yes","b":null,"c":{"d":true},"e":true}}`:                    "e=1",
		`{"categoryPreferences":{"a":true},"categoryPreferences":{"\u0062":true},"x":[{"a":[]}]}`: "b=1",
		`{"categoryPreferences":{"a":true},"categoryPreferences":7}`:                              "",
		`{"categoryPreferences":{}}`:                                                              "", `{}`: "", `null`: "", `7`: "", `"x"`: "", `[]`: "",
	} {
		for range 2 { // the second time it is remembered
			if e := only(t, "/v1/page", `{"anonymousId":"a","context":{"consent":`+consent+`}}`); e.Entry.Consent != want {
				t.Errorf("%s: got %q, want %q", consent, e.Entry.Consent, want)
			}
		}
	}
	const batch = `{"context":{"consent":{"categoryPreferences":{"a":true}}},"batch":[{"type":"page","anonymousId":"a"}]}`
	if e := only(t, "/v1/batch", batch); e.Entry.Consent != "a=1" {
		t.Errorf("of the batch: got %q", e.Entry.Consent)
	}
}

// Ensure that an experiment is told by id or name, in a form that a store file can say, and by its own event alone.
func TestExperiment(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 60)
	for properties, want := range map[string]map[string]string{
		`"experiment_id":"e1","experiment_name":"Button","variation_id":"v1","variation_name":"Red"`: {"e1": "v1"},
		`"experiment_name":" Big  Button/2! ","variation_name":" Red "`:                              {"big_button_2_": "Red"},
		`"experiment_id":17,"variation_id":2`:                                                        {"17": "2"},
		`"experiment_id":"` + strings.Repeat("x", 50) + `","variation_id":"` + long + `"`:            {strings.Repeat("x", 40): long[:100]},
		`"experiment_id":"` + long + `","variation_id":"A"`:                                          {"_": "A"},
		`"experiment_id":"e1"`: nil, `"variation_id":"v1"`: nil, `"experiment_id":" ","variation_id":"v1"`: nil, `"experiment_id":{},"variation_id":[]`: nil,
	} {
		if e := only(t, "/v1/track", `{"anonymousId":"a","event":"Experiment Viewed","properties":{`+properties+`}}`); !maps.Equal(e.Entry.Variants, want) {
			t.Errorf("%s: got %v, want %v", properties, e.Entry.Variants, want)
		}
	}
	if e := only(t, "/v1/track", `{"anonymousId":"a","event":"Product Viewed","properties":{"experiment_id":"e1","variation_id":"v1"}}`); e.Entry.Variants != nil {
		t.Errorf("another event: got %v", e.Entry.Variants)
	}
}

// Ensure that the country is the browser's, never that of a shop's server.
func TestCountry(t *testing.T) {
	t.Parallel()
	const browser = `{"anonymousId":"a","context":{"page":{"url":"https://shop.example/"}}}`
	for header, want := range map[string]string{"de": "DE", "GB": "GB", "XX": "", "T1": "", "DEU": "", "": "", "ö": ""} {
		if e := only(t, "/v1/page", browser, "CF-IPCountry", header); e.Entry.Country != want {
			t.Errorf("%q: got %q, want %q", header, e.Entry.Country, want)
		}
	}
	if e := only(t, "/v1/page", `{"userId":"u"}`, "CF-IPCountry", "DE"); e.Entry.Country != "" || e.Origin != "server" {
		t.Errorf("a server's country: got %q", e.Entry.Country)
	}
}

// places are countries by address; every question is noted.
type places struct {
	of    map[string]string
	asked []string
}

func (p *places) Country(a netip.Addr) string {
	p.asked = append(p.asked, a.String())
	return p.of[a.String()]
}

// Ensure that the address tells the country where the header does not, and that it is the client's and not our proxy's.
func TestCountryOfAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ peer, forwarded, header, want, asked string }{
		{"81.2.69.160:5", "", "", "GB", "81.2.69.160"},
		{"[2001:218::1]:5", "", "", "JP", "2001:218::1"},
		{"[::ffff:81.2.69.160]:5", "", "", "GB", "81.2.69.160"},
		{"81.2.69.160:5", "", "de", "DE", ""},            // the header wins
		{"81.2.69.160:5", "", "XX", "GB", "81.2.69.160"}, // where it tells
		{"81.2.69.160:5", "", "nonsense", "GB", "81.2.69.160"},
		{"192.0.2.7:5", "2001:218::1", "", "JP", "2001:218::1"},
		{"192.0.2.7:5", "unknown", "", "", ""},
		{"10.1.2.3:5", "81.2.69.160", "", "", "10.1.2.3"}, // no proxy of ours
		{"81.2.69.161:5", "", "", "", "81.2.69.161"},      // no ISO code
	} {
		l, p := &log{}, &places{of: map[string]string{"81.2.69.160": "GB", "2001:218::1": "JP", "81.2.69.161": "Europe"}}
		h := newHandlerWith(t, l, clock{now}, func(cf *collect.Config) {
			cf.CountryHeader, cf.Countries, cf.Proxies = "CF-IPCountry", p, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		})
		r := httptest.NewRequest("POST", "/v1/page", strings.NewReader(`{"anonymousId":"a","context":{"page":{"url":"https://shop.example/"}}}`))
		r.SetBasicAuth("wk", "")
		r.RemoteAddr = c.peer
		r.Header.Set("CF-IPCountry", c.header)
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
		if len(l.events) != 1 || l.events[0].GetEvent().Entry.Country != c.want || strings.Join(p.asked, " ") != c.asked {
			t.Errorf("%+v: got %v, asked for %q", c, l.events, p.asked)
		}
		if s := l.events[0].String(); strings.Contains(s, "81.2.69") || strings.Contains(s, "2001:218") {
			t.Errorf("%+v: an address is kept: %s", c, s)
		}
	}
}

// Ensure that internal traffic is told by the network alone, and by a proxy only if it is trusted.
func TestInternal(t *testing.T) {
	t.Parallel()
	l := &log{}
	h := newHandlerWith(t, l, clock{now}, func(c *collect.Config) {
		c.Stores["wk"].Internal = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32")}
		c.Proxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	for _, c := range []struct {
		peer, forwarded string
		want            bool
	}{
		{"10.1.2.3:5", "", true},
		{"[::ffff:10.1.2.3]:5", "", true},
		{"[2001:db8::1]:5", "", true},
		{"10.2.0.1:5", "", false},
		{"10.2.0.1:5", "10.1.2.3", false},               // no proxy of ours
		{"192.0.2.7:5", "10.1.2.3", true},               // our proxy's word
		{"192.0.2.7:5", "203.0.113.9, 10.1.2.3", true},  // its word is the last
		{"192.0.2.7:5", "10.1.2.3, 203.0.113.9", false}, // all before is the client's
		{"192.0.2.7:5", "10.1.2.3:4711", true},          // with a port
		{"192.0.2.7:5", "[2001:db8::1]:4711", true},     // with a port
		{"192.0.2.7:5", "unknown", false},               // says nothing
		{"10.1.2.3:5", "203.0.113.9", true},             // a peer that is none of our proxies
		{"pipe", "10.1.2.3", false},                     // no address
	} {
		*l = log{}
		r := httptest.NewRequest("POST", "/v1/page", strings.NewReader(`{"anonymousId":"a","internal":true,"context":{"internal":true}}`))
		r.SetBasicAuth("wk", "")
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
		if len(l.events) != 1 || (l.events[0].GetEvent().Flags&event.FlagInternal != 0) != c.want {
			t.Errorf("%+v: got %v", c, l.events)
		}
		if s := l.events[0].String(); strings.Contains(s, "10.1.2.3") || strings.Contains(s, "2001:db8") {
			t.Errorf("%+v: an address is kept: %s", c, s)
		}
	}
}

func TestBot(t *testing.T) {
	t.Parallel()
	e := only(t, "/v1/page", `{"anonymousId":"a","context":{"userAgent":"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}}`)
	if e.Flags&event.FlagBot == 0 {
		t.Error("a declared bot was not flagged")
	}
}

// Ensure that a wrong type in a single call is its own fault, as in a batch: a client drops what gets a 400.
func TestCallFaults(t *testing.T) {
	t.Parallel()
	for call, path := range map[string]string{
		`{"anonymousId":7}`: "anonymousId", `{"anonymousId":"a","context":[]}`: "context", `{"anonymousId":"a","context":{"page":{"url":{}}}}`: "context.page.url",
		`{"anonymousId":"a","sentAt":7,"batch":7}`: "sentAt",
	} {
		l := &log{}
		w := post(newHandler(t, l, clock{now}), "/v1/page", call)
		if w.Code != 200 || len(l.dead) != 1 || l.dead[0].GetDeadLetter().Reason != "field_type_wrong" || l.dead[0].GetDeadLetter().Path != path {
			t.Errorf("%s: got %d %s, %v", call, w.Code, w.Body, l.dead)
		}
	}
	if w := post(newHandler(t, &log{}, clock{now}), "/v1/page", `{"anonymousId":"a","writeKey":7}`); w.Code != 400 || !strings.Contains(w.Body.String(), "/writeKey") {
		t.Errorf("a write key that is a number: got %d %s", w.Code, w.Body)
	}
}

// Ensure that a quantity is a finite number or nothing.
func TestQuantity(t *testing.T) {
	t.Parallel()
	for quantity, want := range map[string]float64{`2`: 2, `"2.5"`: 2.5, `"inf"`: 0, `"NaN"`: 0, `1e999`: 0, `"x"`: 0, `null`: 0, `[]`: 0} {
		if e := only(t, "/v1/track", `{"anonymousId":"a","event":"x","properties":{"quantity":`+quantity+`}}`); e.Quantity != want {
			t.Errorf("%s: got %v, want %v", quantity, e.Quantity, want)
		}
	}
}
