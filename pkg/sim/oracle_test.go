package sim

import (
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/schemas/stores"
)

// TestImports keeps the oracle independent: it may know the standard library and data of schemas, no meaning of ours.
func TestImports(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, im := range parsed.Imports {
			path, _ := strconv.Unquote(im.Path.Value)
			host, _, _ := strings.Cut(path, "/")
			if strings.Contains(host, ".") && path != "github.com/tributary-data/tributary/schemas" {
				t.Errorf("%s imports %s", f.Name(), path)
			}
		}
	}
}

// TestDemoStore holds the simulator's constants and the demo's store file together.
func TestDemoStore(t *testing.T) {
	f, err := stores.Parse(stores.Demo())
	if err != nil {
		t.Fatal(err)
	}
	c, m := Config{}.withDefaults(), f.Meaning
	if f.Store != c.Store || f.Edge.WriteKeys[0] != c.WriteKey || "https://"+f.Edge.OwnDomains[0] != c.ShopURL || m.Currency != c.Currency ||
		m.BrandPattern != c.Brand || time.Duration(m.SessionGap) != c.Gap || m.TimeZone != "UTC" {
		t.Errorf("store file %+v, simulator %+v", f, c)
	}
	fu := m.Funnels[0]
	if fu.Name != funnelName || fu.Version != funnelVersion || len(fu.Steps) != len(steps) {
		t.Fatalf("funnel %+v", fu)
	}
	for i, s := range fu.Steps {
		if s.Action != steps[i].action || s.Optional != steps[i].optional {
			t.Errorf("step %d is %+v, expected %+v", i+1, s, steps[i])
		}
	}
}
