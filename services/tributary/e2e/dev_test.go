package e2e_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
)

// dev is a running `tributary dev`.
type dev struct {
	cmd   *exec.Cmd
	out   io.Reader
	flags map[string]string // that other commands need to find it, by command
}

// tributary prepares a command of the CLI.
func tributary(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	lib, err := harness.Library(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(plain(t), "tributary"), args...)
	cmd.Env = append(os.Environ(), "TRIBUTARY_ENGINE="+lib)
	return cmd
}

var invited = regexp.MustCompile(`^  tributary (\w+).* (--(?:ingest|clickhouse|brokers)=\S+)$`)

// startDev starts it on a folder and waits until it says what to try.
func startDev(t *testing.T, dir string, more ...string) dev {
	t.Helper()
	d := dev{cmd: tributary(t, append([]string{"dev", "--dir", dir, "--addr=127.0.0.1:0", "--kafka=127.0.0.1:0", "--clickhouse=127.0.0.1:0"}, more...)...),
		flags: map[string]string{}}
	var err error
	if d.out, err = d.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	d.cmd.Stderr = &stderr
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.end(t, syscall.SIGINT) })
	lines := bufio.NewScanner(d.out)
	for len(d.flags) < 3 && lines.Scan() {
		if m := invited.FindStringSubmatch(lines.Text()); m != nil {
			d.flags[m[1]] = m[2]
		}
	}
	if len(d.flags) < 3 {
		t.Fatalf("dev said nothing to try; it said:\n%s", stderr.String())
	}
	return d
}

// end stops it and returns the exit code.
func (d dev) end(t *testing.T, how syscall.Signal) int {
	t.Helper()
	_ = d.cmd.Process.Signal(how) // gone already is fine
	_, _ = io.Copy(io.Discard, d.out)
	_ = d.cmd.Wait() // its exit code is what we look at
	return d.cmd.ProcessState.ExitCode()
}

// call runs a command against it.
func (d dev) call(t *testing.T, args ...string) string {
	t.Helper()
	out, err := tributary(t, append(args, d.flags[args[0]])...).CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

// shows waits until a query prints something.
func (d dev) shows(t *testing.T, want string, query ...string) {
	t.Helper()
	err := await(t.Context(), want, nil, func(context.Context) (bool, error) {
		return strings.Contains(d.call(t, append([]string{"query", "--format=csv"}, query...)...), want), nil
	})
	if err != nil {
		t.Error(err)
	}
}

// Ensure that dev keeps what it was sent, over Ctrl-C and over kill -9, that a second one on its folder is told to go elsewhere,
// and that --reset begins anew.
func TestDev(t *testing.T) {
	skipIfShort(t)
	dir := t.TempDir()
	const visitors = "SELECT concat('visitor ', visitor) FROM bi.sessions ORDER BY visitor"
	d := startDev(t, dir)
	d.call(t, "send", "Product Viewed", "--visitor=first", "-p", "product_id=p1")
	d.shows(t, "visitor first", visitors)
	if out := d.call(t, "tail", "--from-start", "--limit=1"); !strings.Contains(out, "product_viewed") || !strings.Contains(out, "p1") {
		t.Errorf("tail shows %s", out)
	}
	if out, err := tributary(t, "dev", "--dir", dir, "--addr=127.0.0.1:0").CombinedOutput(); err == nil || !strings.Contains(string(out), "another stack runs on this folder") {
		t.Errorf("a second dev on the folder: %v\n%s", err, out)
	}
	if out, err := tributary(t, "dev", "--reset", "--dir", dir).CombinedOutput(); err == nil || !strings.Contains(string(out), "stop it first") {
		t.Errorf("--reset under a running dev: %v\n%s", err, out)
	}
	if code := d.end(t, syscall.SIGINT); code != 0 {
		t.Errorf("Ctrl-C: exit %d", code)
	}
	d = startDev(t, dir)
	d.call(t, "send", "page", "--visitor=second")
	d.shows(t, "visitor first\nvisitor second", visitors)
	d.end(t, syscall.SIGKILL)
	d = startDev(t, dir)
	d.call(t, "send", "page", "--visitor=third")
	d.shows(t, "visitor first\nvisitor second\nvisitor third", visitors)
	d.end(t, syscall.SIGINT)
	d = startDev(t, dir, "--reset")
	d.call(t, "send", "page", "--visitor=new")
	d.shows(t, "visitor new", visitors)
	if out := d.call(t, "query", "--format=csv", visitors); strings.Contains(out, "first") {
		t.Errorf("after --reset: %s", out)
	}
}
