package kafka_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	kafkago "github.com/segmentio/kafka-go"

	broker "github.com/tributary-data/tributary/pkg/embedded/kafka"
	"github.com/tributary-data/tributary/pkg/kafka"
)

// childEnv makes the test binary serve a broker on that folder until it is killed.
const childEnv = "TRIBUTARY_TEST_BROKER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		b, err := broker.New(broker.Config{Addr: "127.0.0.1:0", DataDir: dir})
		if err == nil {
			err = b.Run(context.Background(), func(addr string) { fmt.Println(addr) })
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// start runs a broker until stop is called or the test ends.
func start(t testing.TB, dir string) (addr string, stop func()) {
	t.Helper()
	b, err := broker.New(broker.Config{Addr: "127.0.0.1:0", DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- b.Run(ctx, func(a string) { ready <- a }) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("broker: %v", err)
		}
	}
	t.Cleanup(stop)
	select {
	case addr = <-ready:
	case err := <-done:
		stopped = true
		t.Fatalf("broker: %v", err)
	}
	return addr, stop
}

// startChild runs a broker in a process of its own.
func startChild(t testing.TB, dir string) (addr string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	kill = func() {
		if !killed {
			killed = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("child broker said nothing: %v", err)
	}
	return strings.TrimSpace(line), kill
}

func client(t testing.TB, addr string) *kafka.Client {
	t.Helper()
	c, err := kafka.NewClient(kafka.Config{Brokers: addr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// raw is kafka-go itself, for what our client does not offer.
func raw(t testing.TB, addr string) *kafkago.Client {
	t.Helper()
	tr := &kafkago.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &kafkago.Client{Addr: kafkago.TCP(addr), Transport: tr}
}
