package e2e_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tributary-data/tributary/services/tributary/soak"
)

// soaking prepares a soak on the embedded broker, with the programs that have fail points where it looks for them.
func soaking(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	crashing, err := buildCrashing()
	if err != nil {
		t.Fatalf("build the programs with failpoints: %v", err)
	}
	if err := os.Symlink(crashing, filepath.Join(plain(t), "chaos")); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	return tributary(t, append([]string{"soak", "--dir", t.TempDir()}, args...)...)
}

// Ensure that a short soak is exact, that Ctrl-C ends one, and that neither leaves a process behind. How much must happen is for
// longer ones.
func TestSoak(t *testing.T) {
	skipIfShort(t)
	cmd := soaking(t, "--seconds=8", "--seed=3", "--json")
	var told strings.Builder
	cmd.Stderr = &told
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 4) { // 4: too little for a proof, which is the machine's business
		t.Fatalf("%v\n%s%s", err, told.String(), out)
	}
	var r soak.Result
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if r.Difference != 0 || r.Stored.Acknowledged == 0 || r.Stored.Stored != r.Stored.Acknowledged || r.Counts.Kills == 0 || len(r.Tables) != 2 || r.Tables[0].Rows == 0 || r.Tables[1].Rows == 0 {
		t.Errorf("got %+v\n%s", r, told.String())
	}
	if left := running(t, programs); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
}

// Ensure that Ctrl-C ends a soak while some of its processes stand still, or are down.
func TestSoakInterrupted(t *testing.T) {
	skipIfShort(t)
	cmd := soaking(t, "--seconds=100", "--seed=3")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "paused") { // the first that is longer than a line of progress is
			break
		}
	}
	_ = cmd.Process.Signal(syscall.SIGINT) // gone already: the code tells
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // the code tells
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit %d, want 130", code)
	}
	if left := running(t, programs); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
}
