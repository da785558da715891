package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"

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

// clicked is what the script tells of one visitor: what the strip showed at the end.
type clicked struct {
	Visitor string
	Facts   map[string]string
	Chips   []string
	Console []string
	// Requests by message id: how often the browser sent it.
	Requests map[string]int
}

var _ = json.Number("")

func TestClick(t *testing.T) {
	skipIfShort(t)
	packages, browser := clients(t), chromium(t)
	p := start(t, stack.Config{Dir: t.TempDir(), Bin: plain(t), Partitions: schemas.PartitionsLaptop, Shop: true})
	var got map[string]clicked
	node(t, packages, "click.mjs", &got, "http://"+p.Ingest+"/shop", browser, screenshots(t))
	t.Log(got)
}
