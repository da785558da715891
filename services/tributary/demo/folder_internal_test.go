package demo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/services/tributary/stack"
)

// run makes the folder of an earlier run, with so many bytes in it.
func run(t *testing.T, all, name string, bytes int) string {
	t.Helper()
	dir := filepath.Join(all, name)
	if err := os.MkdirAll(filepath.Join(dir, "kafka"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kafka", "log"), make([]byte, bytes), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Ensure that folders of earlier demos are told of, and deleted with --prune, but for those that still run.
func TestEarlierRuns(t *testing.T) {
	all := t.TempDir()
	old, running := run(t, all, "old", 3<<20), run(t, all, "running", 1<<20)
	lock, err := stack.Lock(running)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	var out strings.Builder
	r := &runner{out: &out}
	if err := r.offer(all, strings.NewReader("y\n")); err != nil || !strings.Contains(out.String(), "1 folders of earlier demos take 3 MB") || !strings.Contains(out.String(), "--prune deletes them") {
		t.Errorf("%v: %s", err, out.String())
	}
	if _, err := os.Stat(old); err != nil {
		t.Error("deleted without being asked:", err)
	}
	r.config.Prune = true
	if err := r.offer(all, nil); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Error("not deleted:", err)
	}
	if _, err := os.Stat(running); err != nil {
		t.Error("a running demo's folder is gone:", err)
	}
	if err := r.offer(filepath.Join(all, "nowhere"), nil); err != nil {
		t.Error(err)
	}
}

// Ensure that a folder with an earlier run in it is refused, that --prune empties it, and that somebody's other files stay.
func TestUsedFolder(t *testing.T) {
	dir := run(t, t.TempDir(), "mine", 1)
	other := filepath.Join(dir, "thesis.txt")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := &runner{config: Config{Dir: dir}, out: &strings.Builder{}}
	if err := r.makeDir(); err == nil || !strings.Contains(err.Error(), "--prune") {
		t.Errorf("got %v", err)
	}
	r.config.Prune = true
	if err := r.makeDir(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "kafka")); !os.IsNotExist(err) {
		t.Error("the earlier run is still there:", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
	if err := roomIn(dir, 1<<60); err == nil || !strings.Contains(err.Error(), "MB free") {
		t.Errorf("no room: got %v", err)
	}
}
