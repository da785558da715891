package e2e_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// repository is the module's root, as seen from this folder.
const repository = "../../.."

// build compiles programs into a folder of their own, once per test binary.
func build(name string, args ...string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		dir := filepath.Join(programs, name)
		c := exec.Command("go", append([]string{"build", "-o", dir + string(filepath.Separator)}, args...)...)
		c.Dir = repository
		if out, err := c.CombinedOutput(); err != nil {
			return "", errors.Join(err, errors.New(string(out)))
		}
		return dir, nil
	})
}

var (
	buildPlain = build("plain", "./services/...")
	// The two folding services with planted crashes: TRIBUTARY_CRASH says where.
	buildCrashing = build("crashing", "-tags", "failpoints", "./services/sessionizer", "./services/aggregator")
)

// plain is the folder of the programs as they are shipped.
func plain(t *testing.T) string {
	t.Helper()
	dir, err := buildPlain()
	if err != nil {
		t.Fatalf("build the programs: %v", err)
	}
	return dir
}

// withCrashing is a folder of the shipped programs but one: the victim has planted crashes. The variable that sets
// them off reaches all child processes, and means nothing to the others.
func withCrashing(t *testing.T, victim string) string {
	t.Helper()
	crashing, err := buildCrashing()
	if err != nil {
		t.Fatalf("build the programs with failpoints: %v", err)
	}
	shipped, dir := plain(t), t.TempDir()
	for _, name := range []string{"tributary", "ingest", "sessionizer", "aggregator"} {
		from := shipped
		if name == victim {
			from = crashing
		}
		if err := os.Symlink(filepath.Join(from, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
