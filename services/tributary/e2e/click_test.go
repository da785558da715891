package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/pkg/sim"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// chromium is the path of a browser: that of CHROMIUM, one on the path, or Debian's, which root may install.
func chromium(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path
	}
	find := func() string {
		for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
			if path, err := exec.LookPath(name); err == nil {
				return path
			}
		}
		return ""
	}
	if path := find(); path != "" {
		return path
	}
	const advice = "no Chromium: install it (Debian: apt-get install chromium), or set CHROMIUM to the path of one"
	if apt, err := exec.LookPath("apt-get"); err == nil && os.Geteuid() == 0 {
		t.Log("installing Chromium, once")
		c := exec.CommandContext(t.Context(), "sh", "-c", apt+" -q update && "+apt+" -qy install --no-install-recommends chromium")
		c.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s; apt-get: %v\n%s", advice, err, out)
		}
	}
	path := find()
	if path == "" {
		t.Fatal(advice)
	}
	return path
}

// screenshots is the folder that the pictures go to.
func screenshots(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("TRIBUTARY_SCREENSHOTS")
	if dir == "" {
		return t.TempDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// clicked is what the script tells of one visitor: what the strip showed at the end, and what the browser did.
type clicked struct {
	Visitor string
	Facts   map[string]string
	Chips   []string
	// Console has the browser's errors and warnings.
	Console []string
	// Requests by message id: how often the browser sent it.
	Requests map[string]int
}

// bought are the actions of a visitor who goes from the list to the order and subscribes.
const bought = "page_viewed list_viewed page_viewed product_viewed cart_added page_viewed list_viewed wishlist_added page_viewed cart_added " +
	"page_viewed cart_viewed page_viewed checkout_started identified shipping_submitted payment_submitted purchased page_viewed identified newsletter_subscribed"

// check ensures that the one session of a visitor is the expected one, that the strip shows it, and that the browser was content.
func (c clicked) check(t *testing.T, p pipeline, who, want string) {
	t.Helper()
	got := lines(t, p.db, `SELECT channel, device, class, orders, value_minor, arrayStringConcat(actions, ' ') FROM bi.sessions
		WHERE store = 'demo' AND visitor = '`+c.Visitor+"'")
	same(t, who, got, []string{want})
	f := c.Facts
	if shown := line([]any{f["Channel"], f["Device"], f["Orders"], f["Value"], strings.Join(c.Chips, " ")}); len(got) == 1 {
		v := strings.Split(got[0], "|")
		minor, err := strconv.Atoi(v[4])
		if err != nil {
			t.Fatal(err)
		}
		if stored := line([]any{v[0], v[1], v[3], fmt.Sprintf("€%d.%02d", minor/100, minor%100), v[5]}); shown != stored {
			t.Errorf("%s: the strip shows %s,\nstored is       %s", who, shown, stored)
		}
	}
	if len(c.Console) > 0 {
		t.Errorf("%s: the browser complains: %q", who, c.Console)
	}
}

// once ensures that each message that the browsers sent is one event, however often it was sent.
func once(t *testing.T, p pipeline, all map[string]clicked) {
	t.Helper()
	var want []string
	for _, c := range all {
		for id := range c.Requests {
			want = append(want, id+"|1")
		}
	}
	slices.Sort(want)
	same(t, "messages", lines(t, p.db, "SELECT message_id, count() FROM bi.events WHERE store = 'demo' GROUP BY message_id ORDER BY message_id"), want)
}

// Ensure that what is clicked in the shop is, to the last click, the session that bi tells and that the strip shows: on a
// desktop and on a phone, by several channels, and while ingest is away for a moment.
func TestClick(t *testing.T) {
	skipIfShort(t)
	packages, browser := harness.Node(t, "testdata"), chromium(t)
	t.Setenv("TRIBUTARY_FLUSH_EVERY", flushEvery)
	p := start(t, stack.Config{Dir: t.TempDir(), Bin: plain(t), Partitions: schemas.PartitionsLaptop, Shop: true})
	var got map[string]clicked
	node(t, packages, "click.mjs", &got, "http://"+p.Ingest+"/shop", browser, screenshots(t), "all")
	got["buyer"].check(t, p, "buyer", "Email|desktop|human|1|16700|"+bought)
	got["caller"].check(t, p, "caller", "Direct|mobile|human|1|16700|"+bought)
	got["advertised"].check(t, p, "advertised", "Paid Search|desktop|human|0|0|page_viewed list_viewed page_viewed product_viewed cart_added "+
		"page_viewed cart_viewed cart_added cart_removed")
	got["anew"].check(t, p, "anew", "Direct|desktop|human|0|0|page_viewed list_viewed")
	got["unlucky"].check(t, p, "unlucky", "Direct|desktop|human|0|0|page_viewed list_viewed wishlist_added")
	tries := 0
	for _, n := range got["unlucky"].Requests {
		tries = max(tries, n)
	}
	if tries != 4 {
		t.Errorf("the unlucky click was sent %d times; want 4: a refusal, an abort, a lost answer, a success", tries)
	}
	once(t, p, got)
}

// Ensure that a shop whose clock is driven lets nobody in before it is opened, and that afterwards, while the clock stands
// still, clicks keep their order and look like a person's.
func TestClickWhileTheClockStandsStill(t *testing.T) {
	skipIfShort(t)
	packages, browser := harness.Node(t, "testdata"), chromium(t)
	p := start(t, stack.Config{Dir: t.TempDir(), Bin: plain(t), Partitions: schemas.PartitionsLaptop, Shop: true, Driven: true})
	clock := &sim.HTTPClock{AdminURL: "http://" + p.IngestAdmin}
	if err := clock.Set(t.Context(), scriptDay); err != nil {
		t.Fatal(err)
	}
	var got map[string]clicked
	node(t, packages, "click.mjs", &got, "http://"+p.Ingest+"/shop", browser, t.TempDir(), "closed")
	if c := got["closed"]; len(c.Requests)+len(c.Console) > 0 {
		t.Errorf("a closed shop sent %v; complaints: %q", c.Requests, c.Console)
	}
	if err := p.OpenShop(t.Context()); err != nil {
		t.Fatal(err)
	}
	node(t, packages, "click.mjs", &got, "http://"+p.Ingest+"/shop", browser, t.TempDir(), "still")
	got["buyer"].check(t, p, "buyer", "Organic Social|desktop|human|1|16700|"+bought)
	once(t, p, got)
	if late := lines(t, p.db, "SELECT action FROM bi.late_events"); len(late) > 0 {
		t.Errorf("late: %v", late)
	}
}
