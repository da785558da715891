package soak

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Ensure that a process starts again after each end, with what the fault ordered, that ends nobody asked for are told, and that
// nothing runs after a stop.
func TestMachine(t *testing.T) {
	dir := t.TempDir()
	started, told := make(chan order, 8), make(chan string, 8)
	var once sync.Once
	m := &machine{name: "m", logs: dir, state: filepath.Join(dir, "state"), ended: func(_ *machine, crash bool, why error) {
		if crash {
			told <- "crash"
			return
		}
		told <- why.Error()
	}}
	m.command = func(o order, addr func(what, first string) string) (string, []string, []string) {
		started <- o
		script := "echo 'tributary: door on 127.0.0.1:7'; exec sleep 1000"
		if o.nth > 0 {
			script = "exit 137"
		}
		once.Do(func() { script = "echo why >&2; exit 3" })
		return "/bin/sh", []string{"-c", script}, nil
	}
	if err := os.Mkdir(m.state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := m.start(); err != nil {
		t.Fatal(err)
	}
	defer m.stop()
	if <-started; !strings.Contains(<-told, "why") {
		t.Error("the end that nobody asked for goes unexplained")
	}
	if o := <-started; o != (order{after: again}) {
		t.Errorf("started again as %+v", o)
	}
	strikes := func(sig os.Signal, o order) {
		t.Helper()
		for !m.strike(sig, o) { // it is told of before it runs
			if err := sleep(t.Context(), time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		if got := <-started; got != o {
			t.Errorf("started as %+v, want %+v", got, o)
		}
	}
	strikes(syscall.SIGKILL, order{empty: true})
	if _, err := os.Stat(m.state); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state folder is still there: %v", err)
	}
	strikes(syscall.SIGTERM, order{nth: 2})
	if got := <-told; got != "crash" {
		t.Errorf("a death at the fail point is told as %q", got)
	}
	<-started
	for !m.pause(time.Hour) {
		if err := sleep(t.Context(), time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if m.status() != "paused" || m.strike(syscall.SIGKILL, order{}) || m.pause(time.Hour) {
		t.Errorf("a paused process is %q, and meets another fault", m.status())
	}
	p := m.current()
	m.stop()
	if <-p.Done(); m.status() != "down" || len(told) != 0 || len(started) != 0 {
		t.Errorf("after the stop it is %q, %d ends are told, %d starts", m.status(), len(told), len(started))
	}
}
