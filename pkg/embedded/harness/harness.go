// Package harness gives tests a broker and an engine of their own, and the packages of npm and Python whose clients they
// drive. Only tests import it.
package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tributary-data/tributary/pkg/embedded/clickhouse"
	"github.com/tributary-data/tributary/pkg/embedded/kafka"
)

// server is what both of them are.
type server interface {
	Run(ctx context.Context, ready func(addr string)) error
}

// start runs s and returns its address and what stops it.
func start(s server) (addr string, stop func() error, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- s.Run(ctx, func(a string) { ready <- a }) }()
	stop = func() error { cancel(); return <-done }
	select {
	case addr = <-ready:
		return addr, stop, nil
	case err := <-done:
		cancel()
		return "", nil, fmt.Errorf("ended before it was ready: %w", err)
	}
}

// Broker starts a broker in memory for one test.
func Broker(tb testing.TB) (addr string) {
	tb.Helper()
	b, err := kafka.New(kafka.Config{Addr: "127.0.0.1:0"})
	if err != nil {
		tb.Fatal(err)
	}
	addr, stop, err := start(b)
	if err != nil {
		tb.Fatal("broker:", err)
	}
	tb.Cleanup(func() {
		if err := stop(); err != nil {
			tb.Error("broker:", err)
		}
	})
	return addr
}

// engine is the one that a test binary has: a process holds one data folder.
var engine struct {
	sync.Mutex
	addr, dir string
	stop      func() error
}

// Engine is the address of the test binary's engine; the first test that asks starts it. TestMain must call Main.
func Engine(tb testing.TB) (addr string) {
	tb.Helper()
	engine.Lock()
	defer engine.Unlock()
	if engine.addr != "" {
		return engine.addr
	}
	lib, err := Library(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	if engine.dir, err = os.MkdirTemp("", "tributary-engine-"); err != nil {
		tb.Fatal(err)
	}
	s, err := clickhouse.New(clickhouse.Config{Addr: "127.0.0.1:0", DataDir: engine.dir, Library: lib})
	if err != nil {
		tb.Fatal(err)
	}
	if engine.addr, engine.stop, err = start(s); err != nil {
		tb.Fatal("engine:", err)
	}
	return engine.addr
}

// Library is the path of the engine's library, fetched once for all test binaries.
func Library(ctx context.Context) (string, error) {
	if path := os.Getenv("TRIBUTARY_ENGINE"); path != "" {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return clickhouse.Fetch(ctx, filepath.Join(cache, "tributary", "engine"), nil)
}

// Main runs the tests and stops the engine.
func Main(m *testing.M) int {
	code := m.Run()
	if engine.stop == nil {
		return code
	}
	if err := errors.Join(engine.stop(), os.RemoveAll(engine.dir)); err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		return 1
	}
	return code
}
