package soak

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"
	"testing"
	"time"
)

// standIn in the environment makes this test's binary a program like Apache Kafka's.
const standIn = "TRIBUTARY_TEST_STAND_IN"

// kafkaStandIn has one broker, a process that does nothing. It starts another one at SIGHUP, and ends at SIGTERM.
func kafkaStandIn() error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM)
	for {
		idle := exec.Command("sleep", "1000")
		if err := idle.Start(); err != nil {
			return err
		}
		ended := make(chan error, 1)
		go func() { ended <- idle.Wait() }()
		fmt.Printf("{\"brokers\":\"b\",\"pids\":[%d]}\n", idle.Process.Pid)
		if <-signals == syscall.SIGTERM {
			return idle.Process.Kill()
		}
		<-ended
	}
}

// Ensure that a broker that is struck at the very end of the load comes back: the stages could not catch up else.
func TestBrokerComesBackAfterTheLoad(t *testing.T) {
	file, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Setenv(standIn, "1")
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
