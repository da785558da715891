package demo_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// withFailPoints builds the programs that chaos needs beside the others.
func withFailPoints(t *testing.T) {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(bin, "chaos")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "build", "-tags", "failpoints", "-o", dir, "../../sessionizer", "../../aggregator").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// played runs a prepared demo to its end and returns its output and exit code.
func played(t *testing.T, cmd *exec.Cmd) (out string, code int) {
	t.Helper()
	b, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

// Ensure that killing everything at random, again and again while events are in flight, changes no number, and that a run with
// too few kills does not pass for one.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: kills processes for most of a minute")
	}
	withFailPoints(t)
	cmd, home := demo(t, "--chaos", "--events", "8000", "--pace", "45s")
	out, code := played(t, cmd)
	if code != 0 || !regexp.MustCompile(`(?m)^verdict: .* difference 0$`).MatchString(out) || !strings.Contains(out, "chaos: seed 1, ") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	if l := left(t, home); len(l) > 0 {
		t.Errorf("left behind: %q", l)
	}
	cmd, _ = demo(t, "--chaos", "--events", "300", "--pace", "0")
	if out, code := played(t, cmd); code != 4 || !strings.Contains(out, "expected at least 20: play more --events") {
		t.Errorf("too few kills: exit %d:\n%s", code, out)
	}
}

// Ensure that the demo bears that a person kills one of its processes, says so, and comes to the same result.
func TestKilledFromOutside(t *testing.T) {
	cmd, home := demo(t, "--events", "3000", "--pace", "8s")
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	lines, killed := bufio.NewScanner(pipe), false
	for lines.Scan() {
		out.WriteString(lines.Text() + "\n")
		if !killed && strings.Contains(lines.Text(), " events/s, ") { // events are in flight
			killed = true
			for _, p := range children(t, home) {
				if err := syscall.Kill(p, syscall.SIGKILL); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if err := cmd.Wait(); err != nil || !killed || strings.Count(out.String(), "starting it again") < 5 {
		t.Errorf("%v:\n%s", err, out.String())
	}
}

// children are the processes of a run other than the one that we started.
func children(t *testing.T, home string) (out []int) {
	t.Helper()
	for _, environ := range left(t, home) {
		dir := filepath.Dir(environ)
		cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil || !strings.Contains(string(cmdline), "--attached") {
			continue
		}
		p, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}
