package harness

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Tools fails the test with one sentence, what to install, unless all of these programs are there.
func Tools(tb testing.TB, install string, tools ...string) {
	tb.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			tb.Fatalf("%s is missing: install %s", tool, install)
		}
	}
}

// cached is the place in the user's cache that belongs to the contents.
func cached(tb testing.TB, name string, contents ...[]byte) string {
	tb.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		tb.Fatal(err)
	}
	h := sha256.New()
	for _, c := range contents {
		fmt.Fprintf(h, "%d\n%s", len(c), c)
	}
	dir := filepath.Join(cache, "tributary")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	return filepath.Join(dir, name+"-"+hex.EncodeToString(h.Sum(nil)[:6]))
}

// Node is a folder with the npm packages of a package.json and package-lock.json in dir, installed once per lock file.
func Node(tb testing.TB, dir string) string {
	tb.Helper()
	Tools(tb, "Node.js 20 or later with npm: this test drives Tributary with npm clients", "npm", "node")
	files := map[string][]byte{}
	for _, name := range []string{"package.json", "package-lock.json"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			tb.Fatal(err)
		}
		files[name] = b
	}
	home := cached(tb, "npm", files["package-lock.json"])
	if _, err := os.Stat(home); err == nil {
		return home
	}
	part, err := os.MkdirTemp(filepath.Dir(home), filepath.Base(home)+".part-")
	if err != nil {
		tb.Fatal(err)
	}
	defer os.RemoveAll(part) // gone already when all went well
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(part, name), b, 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	run(tb, part, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	if err := os.Rename(part, home); err != nil {
		if _, statErr := os.Stat(home); statErr != nil { // else another test binary was faster
			tb.Fatal(err)
		}
	}
	return home
}

const wantPython = "Python 3.11 or later with its venv module (on Debian and Ubuntu: apt-get install python3-venv): this test drives Tributary with Python clients"

// Python is the interpreter of a virtual environment with the packages of a requirements file, which must have hashes.
// It is made once per file and version of Python. An environment holds its own path, so it cannot be made elsewhere and
// moved: what makes it count is a note of its place, written when it is whole.
func Python(tb testing.TB, requirements string) string {
	tb.Helper()
	Tools(tb, wantPython, "python3")
	packages, err := os.ReadFile(requirements)
	if err != nil {
		tb.Fatal(err)
	}
	version, err := exec.CommandContext(tb.Context(), "python3", "-c", "import sys, venv, ensurepip; print(sys.version, sys.executable); assert sys.version_info >= (3, 11)").CombinedOutput()
	if err != nil {
		tb.Fatalf("python3 is too old or lacks a module: install %s", wantPython)
	}
	note := cached(tb, "python", packages, version)
	if python, err := os.ReadFile(note); err == nil {
		if _, err := os.Stat(string(python)); err == nil {
			return string(python)
		}
	}
	home, err := os.MkdirTemp(filepath.Dir(note), filepath.Base(note)+".env-")
	if err != nil {
		tb.Fatal(err)
	}
	python := filepath.Join(home, "bin", "python3")
	run(tb, home, "python3", "-m", "venv", home)
	if err := os.WriteFile(filepath.Join(home, "requirements.txt"), packages, 0o644); err != nil {
		tb.Fatal(err)
	}
	run(tb, home, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "--require-hashes", "-r", "requirements.txt")
	part := filepath.Join(home, "note")
	if err := os.WriteFile(part, []byte(python), 0o644); err != nil {
		tb.Fatal(err)
	}
	if err := os.Rename(part, note); err != nil {
		tb.Fatal(err)
	}
	return python
}

// run runs an installer, which is silent unless it fails.
func run(tb testing.TB, dir, name string, args ...string) {
	tb.Helper()
	c := exec.CommandContext(tb.Context(), name, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir) // half of it is worth nothing
		tb.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
}
