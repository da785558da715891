package e2e_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// pipeline is a running stack with a connection to its engine.
type pipeline struct {
	*stack.Stack
	db *clickhouse.DB
}

// flushEvery makes the services flush more often than they do by themselves: tests see more flushes and wait less. It
// reaches them through the environment, as the setting TRIBUTARY_FLUSH_EVERY.
const flushEvery = "100ms"

// start starts the stack; whatever the test does, it is stopped at the test's end.
func start(t *testing.T, c stack.Config) pipeline {
	t.Helper()
	var err error
	if c.Engine, err = harness.Library(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	p := pipeline{Stack: s}
	if p.db, err = clickhouse.Open(clickhouse.Config{Addr: s.ClickHouse}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			lastWords(t, filepath.Join(c.Dir, "log"))
		}
	})
	return p
}

// stop stops the stack. It may be called again.
func (p pipeline) stop(t *testing.T) {
	t.Helper()
	if err := p.db.Close(); err != nil {
		t.Error(err)
	}
	p.Stop()
}

// lastWords logs the end of each log of a stack, since its folder goes with the test.
func lastWords(t *testing.T, dir string) {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range logs {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Error(err)
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(b)), "\n")
		t.Logf("%s:\n%s", filepath.Base(f), strings.Join(lines[max(0, len(lines)-5):], "\n"))
	}
}

// ports are the addresses on which the stack listens.
func (p pipeline) ports() map[string]string {
	out := map[string]string{"traffic": p.Ingest, "kafka": p.Kafka, "clickhouse": p.ClickHouse}
	for name, addr := range p.Admin {
		out[name+" admin"] = addr
	}
	return out
}

// listens tells whether somebody takes connections at addr.
func listens(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// running lists the processes whose program lies below dir, whoever their parent is by now (proc(5), exe). Elsewhere than
// on Linux it finds none.
func running(t *testing.T, dir string) (out []string) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if exe, err := os.Readlink(l); err == nil && strings.HasPrefix(exe, dir) { // others' links are not ours to read
			out = append(out, exe)
		}
	}
	return out
}
