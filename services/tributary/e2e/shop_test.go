package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// questions about the demo's store, as an analyst's tool asks them: with a query parameter.
var questions = map[string]string{
	"sessions": `SELECT visitor, user, channel, campaign, brand_search, device, returning, events, orders, value_minor,
		arrayStringConcat(actions, ' ') AS actions FROM bi.sessions WHERE store = {store:String} ORDER BY visitor, started_at`,
	"funnel": `SELECT step, action, sum(units) AS units, sum(implied) AS implied, sum(observed_value) AS value FROM bi.funnel_steps
		WHERE store = {store:String} AND funnel = 'purchase' GROUP BY step, action ORDER BY step`,
	"segments": `SELECT channel, device, sumIf(units, step = 1) AS sessions, sumIf(units, step = 7) AS purchases, sumIf(observed_value, step = 1) AS value
		FROM bi.funnel_steps WHERE store = {store:String} AND funnel = 'purchase' GROUP BY channel, device ORDER BY channel, device`,
	"events": `SELECT action, count() AS events, uniqExact(message_id) AS ids FROM bi.events WHERE store = {store:String}
		GROUP BY action ORDER BY action`,
	"ids": "SELECT message_id FROM bi.events WHERE store = {store:String} ORDER BY message_id",
}

// columns of the answers, in order: a JSON object has none.
var columns = map[string][]string{
	"sessions": {"visitor", "user", "channel", "campaign", "brand_search", "device", "returning", "events", "orders", "value_minor", "actions"},
	"funnel":   {"step", "action", "units", "implied", "value"},
	"segments": {"channel", "device", "sessions", "purchases", "value"},
	"events":   {"action", "events", "ids"},
	"ids":      {"message_id"},
}

// answers that the shoppers of testdata/shoppers.mjs must give, counted by hand.
var answers = content{
	"sessions": {
		"shopper-a|user-a|Organic Search|||desktop|0|7|1|5990|page_viewed product_viewed product_viewed cart_added checkout_started identified payment_submitted purchased",
		"shopper-b-phone|user-b|Paid Search|acme-autumn|yes|mobile|0|3|0|0|page_viewed identified product_viewed cart_added",
		"shopper-b-tablet|user-b|Direct|||tablet|0|5|1|12000|page_viewed identified product_viewed cart_added checkout_started purchased",
		"shopper-c||Email|november||desktop|0|2|0|0|page_viewed newsletter_subscribed",
		"shopper-c||Email|||desktop|1|2|0|0|page_viewed wishlist_added",
	},
	"funnel": {
		"1|session|5|0|17990",
		"2|product_viewed|3|0|17990",
		"3|cart_added|3|0|17990",
		"4|checkout_started|2|0|17990",
		"5|shipping_submitted|2|2|17990",
		"6|payment_submitted|2|1|17990",
		"7|purchased|2|0|17990",
	},
	"segments": {
		"Direct|tablet|1|1|12000",
		"Email|desktop|2|0|0",
		"Organic Search|desktop|1|1|5990",
		"Paid Search|mobile|1|0|0",
	},
	"events": {
		"cart_added|3|3", "checkout_started|2|2", "identified|3|3", "newsletter_subscribed|1|1", "page_viewed|5|5",
		"payment_submitted|1|1", "product_viewed|4|4", "purchased|2|2", "wishlist_added|1|1",
	},
}

// shopped is what the script says that it sent.
type shopped struct {
	Accepted, Refused, Failures []string
	Events                      map[string]int
	Requests, Retries           int
}

// lossy is ingest behind a network that loses the first answer: the SDK must send that batch again.
func lossy(t *testing.T, ingest string) string {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: ingest})
	var lost atomic.Bool
	proxy.ModifyResponse = func(res *http.Response) error {
		if lost.CompareAndSwap(false, true) {
			res.StatusCode, res.Status = http.StatusBadGateway, "502 Bad Gateway"
		}
		return nil
	}
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	return s.URL
}

// Ensure that what shoppers do in a storefront with Segment's SDK is what analysts read with ClickHouse's clients, to
// the last event and cent, and that it is still there after everything was stopped and started again.
func TestShop(t *testing.T) {
	skipIfShort(t)
	packages := harness.Node(t, "testdata")
	t.Setenv("TRIBUTARY_FLUSH_EVERY", flushEvery) // so that sessions are flushed while they grow
	config := stack.Config{Dir: t.TempDir(), Bin: plain(t), Partitions: schemas.PartitionsLaptop}
	p := start(t, config)
	var sent shopped
	node(t, packages, "shoppers.mjs", &sent, lossy(t, p.Ingest))
	checkSent(t, sent)
	if err := p.settled(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	want := maps.Clone(answers)
	want["ids"] = slices.Compact(slices.Sorted(slices.Values(sent.Accepted)))
	t.Run("clickhouse-go", func(t *testing.T) {
		for name, q := range questions {
			same(t, name, lines(t, p.db, strings.ReplaceAll(q, "{store:String}", "'demo'")), want[name])
		}
	})
	t.Run("@clickhouse/client", func(t *testing.T) { askInJavaScript(t, packages, p.ClickHouse, want) })
	t.Run("dead letters", func(t *testing.T) { checkDeadLetters(t, p.Kafka, sent.Refused) })
	t.Run("stop and start", func(t *testing.T) { checkRestart(t, p, config) })
}

// checkSent ensures that the script did what the answers suppose, and that the SDK saw no failure that it kept.
func checkSent(t *testing.T, sent shopped) {
	t.Helper()
	ids := slices.Compact(slices.Sorted(slices.Values(sent.Accepted)))
	if len(sent.Accepted) != 23 || len(ids) != 22 || len(sent.Refused) != 1 || len(sent.Failures) != 0 {
		t.Fatalf("the SDK delivered %d calls with %d ids, and %d to be refused; want 23, 22, 1; failures: %v", len(sent.Accepted), len(ids), len(sent.Refused), sent.Failures)
	}
	if sent.Retries == 0 {
		t.Errorf("the SDK sent none of %d requests again: no answer was lost", sent.Requests)
	}
	var events []string
	for _, action := range slices.Sorted(maps.Keys(sent.Events)) {
		events = append(events, fmt.Sprintf("%s|%d|%[2]d", action, sent.Events[action]))
	}
	same(t, "calls by action", events, answers["events"])
}

// askInJavaScript asks the same questions through ClickHouse's own JavaScript client, which also writes.
func askInJavaScript(t *testing.T, packages, addr string, want content) {
	b, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Ping    struct{ Success bool }
		Queries map[string][]map[string]any
		Scratch []map[string]any
	}
	node(t, packages, "query.mjs", &got, "http://"+addr, string(b))
	if !got.Ping.Success {
		t.Error("ping failed")
	}
	for name, rows := range got.Queries {
		same(t, name, linesOf(rows, columns[name]), want[name])
	}
	same(t, "rows written and read back", linesOf(got.Scratch, []string{"id", "note", "tags"}),
		[]string{"1|tab\there, \"quoted\"|[a ü]", "2||[]", "3|gzip|[z]"})
}

func linesOf(rows []map[string]any, columns []string) (out []string) {
	for _, r := range rows {
		values := make([]any, len(columns))
		for i, c := range columns {
			values[i] = r[c]
		}
		out = append(out, line(values))
	}
	return out
}

// post sends one request to ingest and wants it acknowledged.
func post(t *testing.T, addr, path, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("demo-write-key", "")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: got %d %s, %v", path, res.StatusCode, text, err)
	}
}
