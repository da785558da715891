// Package kafkatest runs Apache Kafka for tests, and for scripts/kafka. Only tests and that script import it.
//
// The broker is what ./scripts/kafka fetch has fetched. Each node is a process of its own that this one starts, so that a test
// can kill one, or let it stand still.
package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// Required tells whether a missing Apache Kafka is a failure: in CI, and where TRIBUTARY_APACHE=required is set.
func Required() bool { return os.Getenv("CI") != "" || os.Getenv("TRIBUTARY_APACHE") == "required" }

// Start runs a cluster until the test ends. Without Apache Kafka on the machine it skips the test, or fails it if Required.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	c, err := Launch(context.Background(), o)
	give(t, err)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// Need skips the test without Apache Kafka on the machine, or fails it if Required.
func Need(t testing.TB) {
	t.Helper()
	_, err := find(context.Background(), Version)
	give(t, err)
}

func give(t testing.TB, err error) {
	t.Helper()
	switch {
	case errors.Is(err, ErrMissing) && !Required():
		t.Skipf("needs Apache Kafka: %v", err)
	case err != nil:
		t.Fatal(err)
	}
}

// shared is the cluster that the tests of one binary share.
var shared struct {
	sync.Mutex
	cluster *Cluster
	err     error
	dir     string
}

// Shared is the cluster of one node, with all listeners, that all tests of a test binary share; the first that asks starts it.
// Tests take topics and groups of their own, and break nothing. TestMain must call Main.
func Shared(t testing.TB) *Cluster {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil && shared.err == nil {
		if shared.dir, shared.err = os.MkdirTemp("", "tributary-kafka-"); shared.err == nil {
			shared.cluster, shared.err = Launch(context.Background(), Options{Secure: true, Dir: shared.dir})
		}
	}
	give(t, shared.err)
	return shared.cluster
}

// Main runs the tests and ends the cluster that they shared.
func Main(m *testing.M) int {
	code := m.Run()
	if shared.dir == "" {
		return code
	}
	var err error
	if shared.cluster != nil {
		err = shared.cluster.Close()
	}
	if err = errors.Join(err, os.RemoveAll(shared.dir)); err != nil {
		fmt.Fprintln(os.Stderr, "kafka:", err)
		return 1
	}
	return code
}
