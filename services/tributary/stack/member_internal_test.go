package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program is a shell script that stands for one of ours.
func program(t *testing.T, script string) func(func(what, first string) string) (string, []string, []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return func(addr func(what, first string) string) (string, []string, []string) {
		return file, []string{addr("port", "first")}, nil
	}
}

// keeper is a stack that keeps one member of its own.
func keeper(t *testing.T, c Config, b backoff) *Stack {
	t.Helper()
	c.Dir, c.Restart = t.TempDir(), true
	if err := os.Mkdir(filepath.Join(c.Dir, "log"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := &Stack{config: c, dead: make(chan error, 8), stopped: make(chan struct{}), backoff: b}
	t.Cleanup(s.Stop)
	return s
}

// Ensure that a process that ends each time is started again with growing pauses, on the address that it had, with the settings of
// that start, and that the stack gives up and says why.
func TestGivesUp(t *testing.T) {
	var pauses []time.Duration
	starts := 0
	s := keeper(t, Config{Started: func(string) {}, Ended: func(name string, why error, pause time.Duration) {
		if name != "kafka" || !strings.Contains(why.Error(), "exit status 3") {
			t.Errorf("%s ended: %v", name, why)
		}
		pauses = append(pauses, pause)
	}, Settings: func(string) []string {
		starts++
		return []string{fmt.Sprint("START=", starts)}
	}}, backoff{first: time.Millisecond, longest: 3 * time.Millisecond, healthy: time.Hour, deaths: 5})
	m := &member{name: "kafka", command: program(t, `echo "tributary: port on 127.0.0.1:7"; echo "start $START at $1" >&2; exit 3`)}
	if err := s.start(m); err != nil {
		t.Fatal(err)
	}
	if addr, err := m.addr(t.Context(), "port"); err == nil && addr != "127.0.0.1:7" {
		t.Errorf("announced %q", addr)
	}
	err := <-s.Dead()
	if want := "gave up after 5 starts in a row"; !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "start 5 at") {
		t.Errorf("got %v, want %q and the last words of the fifth start", err, want)
	}
	ms := time.Millisecond
	if got := fmt.Sprint(pauses); got != fmt.Sprint([]time.Duration{ms, 2 * ms, 3 * ms, 3 * ms}) {
		t.Errorf("pauses %s", got)
	}
}

// Ensure that a killed process comes back where it was, that its processor time adds up, and that a stop is no death.
func TestComesBack(t *testing.T) {
	started := make(chan string, 8)
	s := keeper(t, Config{Started: func(name string) { started <- name }, Ended: func(string, error, time.Duration) {}}, usual)
	m := &member{name: "ingest", command: program(t, `echo "$1" >> "$0.starts"; echo "tributary: port on 127.0.0.1:7"; exec cat`)}
	if err := s.start(m); err != nil {
		t.Fatal(err)
	}
	if _, err := m.addr(t.Context(), "port"); err != nil {
		t.Fatal(err)
	}
	if !s.Kill("ingest") || s.Kill("nobody") {
		t.Error("kill the one that runs, and no other")
	}
	select {
	case name := <-started:
		if name != "ingest" {
			t.Errorf("%s was started again", name)
		}
	case err := <-s.Dead():
		t.Fatal("not started again:", err)
	}
	if _, err := m.current().Addr(t.Context(), "port"); err != nil {
		t.Fatal(err)
	}
	if d := s.CPU()["ingest"]; d <= 0 {
		t.Errorf("processor time %s", d)
	}
	s.Stop()
	file, _, _ := m.command(func(string, string) string { return "" })
	if b, err := os.ReadFile(file + ".starts"); err != nil || string(b) != "first\n127.0.0.1:7\n" {
		t.Errorf("started on %q, %v", b, err)
	}
	select {
	case err := <-s.Dead():
		t.Errorf("stopped, but told as dead: %v", err)
	default:
	}
}
