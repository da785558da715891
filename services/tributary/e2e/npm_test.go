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

// node runs a script of testdata and decodes what it prints.
func node(t *testing.T, dir, script string, out any, args ...string) {
	t.Helper()
	code, err := os.ReadFile(filepath.Join("testdata", script))
	if err != nil {
		t.Fatal(err)
	}
	printed, _ := nodeCode(t, dir, script, string(code), args...)
	d := json.NewDecoder(bytes.NewReader(printed))
	d.UseNumber() // a number stands as it was printed
	if err := d.Decode(out); err != nil {
		t.Fatalf("%s printed no JSON: %v\n%s", script, err, printed)
	}
}

// nodeCode runs JavaScript and returns what it prints, and what it complains of. It comes by standard input, so that its
// imports are looked up from the working folder, where the packages are.
func nodeCode(t *testing.T, dir, name, code string, args ...string) (printed []byte, complaints string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "node", append([]string{"--input-type=module", "-"}, args...)...)
	var stderr strings.Builder
	c.Dir, c.Stdin, c.Stderr = dir, strings.NewReader(code), &stderr
	printed, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, stderr.String())
	}
	return printed, stderr.String()
}
