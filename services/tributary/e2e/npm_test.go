package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// clients is the folder in the user's cache with the npm packages of testdata, installed once per lock file.
func clients(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"npm", "node"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is missing: install Node.js 20 or later with npm; this test drives Tributary with npm clients", tool)
		}
	}
	lock, err := os.ReadFile("testdata/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	dir := filepath.Join(cache, "tributary", "e2e-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	install(t, dir)
	return dir
}

// install installs beside dir and renames, so that dir is whole or not there.
func install(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".part-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(part) // gone already when all went well
	for _, f := range []string{"package.json", "package-lock.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", f))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(part, f), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	c.Dir = part
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	if err := os.Rename(part, dir); err != nil {
		if _, statErr := os.Stat(dir); statErr != nil { // else another test binary was faster
			t.Fatal(err)
		}
	}
}

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
