package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// loaded is what the browser did with one block of HTML.
type loaded struct {
	// Elsewhere are addresses that it asked besides the page's own host and ingest; Console has its errors and warnings.
	Elsewhere, Console []string
	// Visitor is the anonymous id of what it sent.
	Visitor string
}

// pages are what the README's blocks of HTML must become, in order: the events of their visitor with their entry, and how
// many requests carry them.
var pages = []struct {
	what     string
	requests int
	events   []string
}{
	{"Segment's SDK", 2, []string{"page_viewed|Email|desktop", "cart_added|Email|desktop"}},
	{"fetch", 1, []string{"product_viewed|Email|desktop"}},
	{"pixel", 1, []string{"email_opened|Direct|desktop"}},
}

// Ensure that the scripts of the README run as they stand there, and that what they send arrives.
func TestREADMECode(t *testing.T) {
	skipIfShort(t)
	packages, browser := harness.Node(t, "testdata"), chromium(t)
	t.Setenv("TRIBUTARY_FLUSH_EVERY", flushEvery)
	p := start(t, stack.Config{Dir: t.TempDir(), Bin: plain(t), Partitions: schemas.PartitionsLaptop})
	here := strings.NewReplacer("127.0.0.1:8080", p.Ingest)
	scripts := blocksOf(t, "js")
	if len(scripts) != 1 {
		t.Fatalf("the README has %d scripts for Node.js, this test knows one", len(scripts))
	}
	if _, complaints := nodeCode(t, packages, "the script for Node.js", here.Replace(scripts[0].text)); complaints != "" {
		t.Errorf("the script for Node.js complains: %s", complaints)
	}
	got := browse(t, p, packages, browser, here)
	p.awaitCounts(t, 5, 4)
	same(t, "orders told by Node.js", lines(t, p.db, "SELECT order_id, source, visitor, user, value_minor, currency FROM bi.orders"),
		[]string{"o-2|server|visitor-of-node|u-1|12000|EUR"})
	for i, want := range pages {
		const events = "SELECT action, channel, device FROM bi.events WHERE store = 'demo' AND visitor = '"
		same(t, want.what, lines(t, p.db, events+got[i].Visitor+"' ORDER BY event_ts"), want.events)
		if len(got[i].Elsewhere)+len(got[i].Console) > 0 {
			t.Errorf("%s: asked others: %q; complaints: %q", want.what, got[i].Elsewhere, got[i].Console)
		}
	}
	same(t, "session of Segment's SDK", lines(t, p.db, "SELECT channel, class, arrayStringConcat(actions, ' ') FROM bi.sessions WHERE visitor = '"+got[0].Visitor+"'"),
		[]string{"Email|human|page_viewed cart_added"})
	same(t, "the pixel's properties", lines(t, p.db, "SELECT JSONExtractString(properties, 'subject') FROM bi.events WHERE action = 'email_opened'"), []string{"november"})
}

// awaitCounts waits until so many events are there, and so many of them in sessions. More would show in what is compared.
func (p pipeline) awaitCounts(t *testing.T, events, inSessions int) {
	t.Helper()
	const query = "SELECT count() FROM bi.events UNION ALL SELECT sum(s.events) FROM bi.sessions AS s"
	want := []string{fmt.Sprint(inSessions), fmt.Sprint(events)}
	err := await(t.Context(), fmt.Sprint(want, " events, in sessions and in all"), p.Dead(), func(context.Context) (bool, error) {
		got := lines(t, p.db, query)
		slices.Sort(got)
		return slices.Equal(got, want), nil
	})
	if err != nil {
		t.Error(err)
	}
}

// browse loads each block of HTML in a browser.
func browse(t *testing.T, p pipeline, packages, browser string, here *strings.Replacer) (got []loaded) {
	t.Helper()
	type page struct {
		HTML     string `json:"html"`
		Requests int    `json:"requests"`
	}
	var all []page
	blocks := blocksOf(t, "html")
	if len(blocks) != len(pages) {
		t.Fatalf("the README has %d blocks of HTML, this test knows %d", len(blocks), len(pages))
	}
	for i, b := range blocks {
		all = append(all, page{here.Replace(b.text), pages[i].requests})
	}
	list, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	node(t, packages, "pages.mjs", &got, p.Ingest, browser, string(list))
	if len(got) != len(all) {
		t.Fatalf("%d pages of %d were loaded", len(got), len(all))
	}
	return got
}

// Ensure that the SDKs that the README speaks of are those that the test installs.
func TestREADMEPackages(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Dependencies map[string]string }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	_, prose := split(t, readme)
	var named []string
	for _, m := range span.FindAllStringSubmatch(prose, -1) {
		words := strings.Fields(m[1])
		if last := words[len(words)-1]; strings.HasPrefix(last, "@") {
			named = append(named, last)
			if file.Dependencies[last] == "" {
				t.Errorf("the README speaks of %s, which no test uses", last)
			}
		}
	}
	for _, want := range []string{"@segment/analytics-node", "@segment/analytics-next"} {
		if !slices.Contains(named, want) {
			t.Errorf("the README does not name %s", want)
		}
	}
}
