package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/strvals"
)

var install = regexp.MustCompile(`(?m)^helm install \S+ (\S+) --set '([^']+)' --set-file '([^']+)'$`)

// TestREADMEInstall: what `helm install` gets in the README makes a chart that renders, with the store in it.
func TestREADMEInstall(t *testing.T) {
	t.Parallel()
	m := install.FindStringSubmatch(read(t, "README.md"))
	if m == nil {
		t.Fatalf("the README has no line like %s", install)
	}
	c, err := loader.Load(filepath.Join(root, m[1]))
	if err != nil {
		t.Fatal(err)
	}
	vals := map[string]any{}
	if err := strvals.ParseInto(m[2], vals); err != nil {
		t.Fatal(err)
	}
	file := func(name []rune) (any, error) {
		b, err := os.ReadFile(filepath.Join(root, string(name)))
		return string(b), err
	}
	if err := strvals.ParseIntoFile(m[3], vals, file); err != nil {
		t.Fatal(err)
	}
	objects, notes, err := render(c, vals)
	if err != nil {
		t.Fatal(err)
	}
	if objects["ConfigMap"] == nil || !strings.Contains(notes, "--brokers kafka:9092") {
		t.Errorf("no store among %d objects, or the wrong brokers in the notes: %s", len(objects), notes)
	}
}
