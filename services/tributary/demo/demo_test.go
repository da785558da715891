package demo_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
)

// built is the folder of the programs, if a test needed them.
var built string

// programs builds everything once, and fetches the engine.
var programs = sync.OnceValues(func() (bin string, err error) {
	if bin, err = os.MkdirTemp("", "tributary-demo-"); err != nil {
		return "", err
	}
	built = bin
	out, err := exec.Command("go", "build", "-o", bin, "../../...").CombinedOutput()
	if err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built) // a temporary folder
	}
	os.Exit(code)
}

// demo prepares a run of the demo in a home of its own.
func demo(t *testing.T, args ...string) (cmd *exec.Cmd, home string) {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	lib, err := harness.Library(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	home = t.TempDir()
	cmd = exec.Command(filepath.Join(bin, "tributary"), append([]string{"demo"}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+home, "TRIBUTARY_ENGINE="+lib)
	return cmd, home
}

// left lists what a run left in its home, and the processes that still have it open.
func left(t *testing.T, home string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(home, ".local/share/tributary/demo/*"))
	if err != nil {
		t.Fatal(err)
	}
	links, err := filepath.Glob("/proc/[0-9]*/environ") // every child has the run's home in it
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if b, err := os.ReadFile(l); err == nil && bytes.Contains(b, []byte(home)) { // one that ended meanwhile has no file
			found = append(found, l)
		}
	}
	return found
}

// Ensure that a day passes with difference 0, and that each sabotage is found and named.
func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		sabotage string
		exit     int
		last     string
		cell     string
	}{
		{"", 0, "difference 0", ""},
		{"drop", 3, "difference ", "cell "},
		{"dup", 3, "difference ", "cell "},
		{"move", 3, "difference ", "cell "},
	} {
		cmd, home := demo(t, "--events", "3000", "--pace", "0", "--sabotage", c.sabotage)
		out, err := cmd.Output()
		var failed *exec.ExitError
		if err != nil && !errors.As(err, &failed) {
			t.Fatal(err)
		}
		if got := cmd.ProcessState.ExitCode(); got != c.exit {
			t.Errorf("sabotage %q: exit %d, want %d\n%s", c.sabotage, got, c.exit, out)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		last := lines[len(lines)-1]
		if !strings.HasPrefix(last, "verdict: ") || !strings.Contains(last, c.last) || c.exit == 3 && strings.HasSuffix(last, "difference 0") {
			t.Errorf("sabotage %q: last line %q", c.sabotage, last)
		}
		if !strings.Contains(string(out), "\n"+c.cell) {
			t.Errorf("sabotage %q: no cell is named:\n%s", c.sabotage, out)
		}
		if l := left(t, home); len(l) > 0 {
			t.Errorf("left behind: %q", l)
		}
	}
}

func TestJSON(t *testing.T) {
	cmd, _ := demo(t, "--events", "1000", "--pace", "0", "--json")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Verdict struct{ Cells, Difference int }
		Figures map[string]any
	}
	if err := json.Unmarshal(out, &v); err != nil || v.Verdict.Cells == 0 || v.Verdict.Difference != 0 || v.Figures["events"] == nil {
		t.Errorf("got %s, %v", out, err)
	}
}

// Ensure that Ctrl-C in the middle of the day stops every child and leaves nothing behind; and so does kill -9, but for
// the folder.
func TestStop(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		cmd, home := demo(t, "--events", "3000", "--pace", "1h")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() && !strings.Contains(lines.Text(), "playing") {
		}
		if len(left(t, home)) < 3 {
			t.Fatalf("before %s: %q is running", sig, left(t, home))
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // until it is gone
		}
		_ = cmd.Wait() // its exit code is what we look at
		if code := cmd.ProcessState.ExitCode(); sig == syscall.SIGINT && code != 130 {
			t.Errorf("after Ctrl-C: exit %d, want 130", code)
		}
		want := 0
		if sig == syscall.SIGKILL {
			want = 1 // its folder
		}
		deadline := time.Now().Add(20 * time.Second)
		for len(left(t, home)) > want {
			if time.Now().After(deadline) {
				t.Fatalf("after %s: left behind: %q", sig, left(t, home))
			}
		}
	}
}

// Ensure that what stands in the way is said in one sentence.
func TestClearErrors(t *testing.T) {
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy, _ := demo(t, "--events", "100", "--pace", "0", "--addr", taken.Addr().String())
	noEngine, home := demo(t, "--events", "100")
	noEngine.Env = []string{"HOME=" + home, "PATH=" + home}
	wrongEngine, _ := demo(t, "--events", "100")
	wrongEngine.Env = append(wrongEngine.Env, "TRIBUTARY_ENGINE=/nowhere/libchdb.so")
	alone := filepath.Join(t.TempDir(), "tributary")
	if err := os.Link(filepath.Join(bin, "tributary"), alone); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		cmd  *exec.Cmd
		want string
	}{
		{busy, "choose another address"},
		{noEngine, "npm is missing"},
		{wrongEngine, "TRIBUTARY_ENGINE"},
		{exec.Command(alone, "demo"), "./scripts/demo"},
		{exec.Command(alone, "demo", "--sabotage", "fire"), "--sabotage"},
		{exec.Command(alone, "nonsense"), "tributary --help"},
	} {
		var stderr bytes.Buffer
		c.cmd.Stderr = &stderr
		if err := c.cmd.Run(); err == nil || !strings.Contains(stderr.String(), c.want) || strings.Count(strings.TrimSpace(stderr.String()), "\n") > 0 {
			t.Errorf("%v: got %v, %q, want one line with %q", c.cmd.Args[1:], err, stderr.String(), c.want)
		}
	}
}
