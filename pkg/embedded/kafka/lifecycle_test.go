package kafka_test

import (
	"context"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	broker "github.com/tributary-data/tributary/pkg/embedded/kafka"
)

func TestAcknowledgedDataSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	addr, kill := startChild(t, dir)
	c := client(t, addr)
	ensure(t, c, stamped, ordinary)
	write(t, c, stamped, "a", "b")
	write(t, c, stamped, "c")
	write(t, c, ordinary, "d")
	// Its own time is far from the append time: a stamp without a new checksum would be lost at the restart.
	produce(t, addr, stamped.Name, 1, batch(9, 0, 0, "old"), nil)
	want := values(read(t, c, stamped, 4))
	kill()

	addr, kill = startChild(t, dir)
	c = client(t, addr)
	ensure(t, c, stamped, ordinary) // the topics' settings survived too
	if got := values(read(t, c, stamped, 4)); got != want {
		t.Errorf("after SIGKILL: %s, expected %s", got, want)
	}
	if r := read(t, c, ordinary, 1)[0]; string(r.Value) != "d" || r.AppendTime != 0 {
		t.Errorf("after SIGKILL the ordinary topic holds %q with append time %d", r.Value, r.AppendTime)
	}
	if appended := write(t, c, stamped, "e"); appended.IsZero() {
		t.Error("no append time after the restart")
	}
	kill()
}

func TestCleanRestart(t *testing.T) {
	dir := t.TempDir()
	addr, stop := start(t, dir)
	c := client(t, addr)
	ensure(t, c, stamped)
	b := batch(42, 0, 0, "a")
	first := produce(t, addr, stamped.Name, 1, b, nil)
	want := values(read(t, c, stamped, 1))
	stop()

	addr, stop = start(t, dir)
	if got := values(read(t, client(t, addr), stamped, 1)); got != want {
		t.Errorf("after a restart: %s, expected %s", got, want)
	}
	if again := produce(t, addr, stamped.Name, 1, b, nil); again.BaseOffset != first.BaseOffset {
		t.Errorf("a repeat after a clean restart got offset %d, the first try %d", again.BaseOffset, first.BaseOffset)
	}
	stop()
}

func TestSecondBrokerOnTheFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	_, stop := start(t, dir)
	b, err := broker.New(broker.Config{Addr: "127.0.0.1:0", DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Run(t.Context(), func(string) { t.Error("ready was called") }); err == nil || !strings.Contains(err.Error(), "another broker uses") {
		t.Errorf("Run on a folder in use = %v", err)
	}
	stop()
	_, stop = start(t, dir) // the lock is gone
	stop()
}

func TestStopLeavesNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	addr, stop := start(t, "")
	idle, err := net.Dial("tcp", addr) // a client that says nothing must not hold the stop up
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, addr)
	ensure(t, c, stamped)
	write(t, c, stamped, "a")
	stop()
	c.Close()
	idle.Close()
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("the address still answers")
	}
}

func TestConfig(t *testing.T) {
	for addr, want := range map[string]string{
		"9092":           "expected host:port",
		":9092":          "names no host",
		"0.0.0.0:9092":   "names no host",
		"[::]:9092":      "names no host",
		"localhost:0":    "",
		"127.0.0.1:9092": "",
	} {
		_, err := broker.New(broker.Config{Addr: addr})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("New(%q) = %v, expected %q", addr, err, want)
		}
	}
}

func TestTheGivenHostIsAdvertised(t *testing.T) {
	b, err := broker.New(broker.Config{Addr: "localhost:0"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- b.Run(ctx, func(a string) { ready <- a }) }()
	addr := <-ready
	host, _, err := net.SplitHostPort(addr)
	if err != nil || host != "localhost" {
		t.Errorf("ready got %q: %v", addr, err)
	}
	c := client(t, addr)
	ensure(t, c, ordinary)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRunNeedsItsFolder(t *testing.T) {
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := broker.New(broker.Config{Addr: "127.0.0.1:0", DataDir: file})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Run(t.Context(), nil); err == nil {
		t.Error("Run in a folder that is a file gave no error")
	}
}
