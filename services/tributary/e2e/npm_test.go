package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// node runs a script of testdata and decodes what it prints. The script comes by standard input, so that its imports
// are looked up from the working folder, where the packages are.
func node(t *testing.T, dir, script string, out any, args ...string) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", script))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := exec.CommandContext(t.Context(), "node", append([]string{"--input-type=module", "-"}, args...)...)
	var stderr strings.Builder
	c.Dir, c.Stdin, c.Stderr = dir, f, &stderr
	printed, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, stderr.String())
	}
	d := json.NewDecoder(bytes.NewReader(printed))
	d.UseNumber() // a number stands as it was printed
	if err := d.Decode(out); err != nil {
		t.Fatalf("%s printed no JSON: %v\n%s", script, err, printed)
	}
}
