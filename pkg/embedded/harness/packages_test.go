package harness_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
)

// failing notes what a test would have failed with.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// Ensure that a tool that is missing is named, with what to install.
func TestMissingTools(t *testing.T) {
	bin, requirements := t.TempDir(), filepath.Join(t.TempDir(), "requirements.txt")
	if err := os.WriteFile(requirements, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	said := func(f func(tb testing.TB)) string {
		tb, done := &failing{TB: t}, make(chan struct{})
		go func() { defer close(done); f(tb) }()
		<-done
		return tb.said
	}
	python := func(tb testing.TB) { harness.Python(tb, requirements) }
	expect := func(got string, words ...string) {
		t.Helper()
		for _, w := range words {
			if !strings.Contains(got, w) || strings.Contains(got, "\n") {
				t.Errorf("got %q, expected one sentence with %q", got, w)
			}
		}
	}
	expect(said(python), "python3 is missing", "apt-get install python3-venv")
	expect(said(func(tb testing.TB) { harness.Node(tb, "nowhere") }), "npm is missing", "Node.js 20")
	// As on a stock Debian: there is a Python, without the module.
	if err := os.WriteFile(filepath.Join(bin, "python3"), []byte("#!/bin/sh\necho No module named ensurepip >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	expect(said(python), "too old or lacks a module", "apt-get install python3-venv")
}
