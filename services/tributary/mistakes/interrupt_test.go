package mistakes_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
)

// Ensure that Ctrl-C, at each step of a start and in the middle of the day, ends with 130 and leaves neither a process nor a folder.
func TestInterrupt(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: builds all programs and starts the whole stack")
	}
	if err := build(); err != nil {
		t.Fatal("build the programs:", err)
	}
	lib, err := harness.Library(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{"starting broker and engine", "starting topics and tables", "starting ingest", "playing "} {
		t.Run(at, func(t *testing.T) {
			home := t.TempDir()
			cmd := exec.Command(filepath.Join(programs, "tributary"), "demo", "--events=500", "--json") // JSON: progress goes to standard error
			cmd.Env = append(os.Environ(), "HOME="+home, "MISTAKE="+home, "TRIBUTARY_ENGINE="+lib)
			out := &output{changed: make(chan struct{}, 1)}
			cmd.Stderr = out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- cmd.Wait() }()
			limit := time.After(3 * within)
			for ended, asked := false, false; !ended; {
				select {
				case <-done:
					ended = true
				case <-out.changed:
					if !asked && strings.Contains(out.String(), at) {
						asked = true
						_ = cmd.Process.Signal(syscall.SIGINT) // gone already is noticed by its exit code
					}
				case <-limit:
					_ = cmd.Process.Kill()
					t.Errorf("did not end")
				}
			}
			if code := cmd.ProcessState.ExitCode(); code != 130 {
				t.Errorf("exit code %d, want 130", code)
			}
			for _, left := range running(t, home) {
				t.Errorf("left running: %s", left)
			}
			if left, err := filepath.Glob(filepath.Join(home, ".local/share/tributary/demo/*")); err != nil || len(left) > 0 {
				t.Errorf("left %q, %v", left, err)
			}
			if t.Failed() {
				t.Logf("it said:\n%s", out)
			}
		})
	}
}
