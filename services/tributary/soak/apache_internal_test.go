package soak

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// program stands in for Apache Kafka's: its broker is a process that does nothing, and starts again at SIGHUP.
const program = `#!/bin/bash
broker() { sleep 1000 >/dev/null & pid=$!; echo "{\"brokers\":\"b\",\"pids\":[$pid]}"; }
trap 'kill $pid; exit' TERM
trap broker HUP
broker
while :; do wait; done
`

// Ensure that a broker that is struck at the very end of the load comes back: the stages could not catch up else.
func TestBrokerComesBackAfterTheLoad(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "kafka")
	if err := os.WriteFile(file, []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	a, _, err := startApache(ctx, file, dir, dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer a.stop()
	before := slices.Clone(a.pids)
	c := &chaos{fleet: &fleet{apache: a}, log: io.Discard, counts: Counts{Faults: map[kind]int{}}}
	load, end := context.WithCancel(ctx)
	c.run(ctx, load, []fault{{Kind: faultKill, Service: broker, Instance: 1, Down: time.Millisecond}})
	end()
	if err := c.calm(ctx); err != nil {
		t.Fatal(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if slices.Equal(a.pids, before) || len(c.counts.Ends) > 0 {
		t.Errorf("the broker is process %v, as before; unexpected are %q", a.pids, c.counts.Ends)
	}
}
