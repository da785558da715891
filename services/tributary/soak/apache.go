package soak

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// apache is Apache Kafka, as scripts/kafka runs it: a program of its own, whose brokers we end by their process ids.
type apache struct {
	cmd   *exec.Cmd
	lines chan announced

	mu   sync.Mutex // one restart at a time: the line that follows it is its own
	pids []int
	away int // broker that is being restarted, from 1; 0: none
}

// announced is the line that the program prints.
type announced struct {
	Brokers string `json:"brokers"`
	PIDs    []int  `json:"pids"`
}

// startApache starts it and waits until it has written a record.
func startApache(ctx context.Context, program, dir, logs string, nodes int) (*apache, string, error) {
	log, err := os.OpenFile(filepath.Join(logs, broker+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, "", fmt.Errorf("create log: %w", err)
	}
	defer log.Close() // the child has it too
	a := &apache{cmd: exec.Command(program, "--json", "--dir", dir, fmt.Sprintf("--nodes=%d", nodes)), lines: make(chan announced, 16)}
	a.cmd.Stderr = log
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is ours to pass on, in order
	out, err := a.cmd.StdoutPipe()
	if err == nil {
		err = a.cmd.Start()
	}
	if err != nil {
		return nil, "", fmt.Errorf("start Apache Kafka: %w", err)
	}
	go func() {
		defer close(a.lines)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var l announced
			if json.Unmarshal(lines.Bytes(), &l) == nil {
				a.lines <- l
			}
		}
	}()
	l, err := a.line(ctx)
	if err != nil {
		a.stop()
		return nil, "", fmt.Errorf("start Apache Kafka, see %s: %w", log.Name(), err)
	}
	return a, l.Brokers, nil
}

// line waits for what the program says next.
func (a *apache) line(ctx context.Context) (announced, error) {
	select {
	case l, ok := <-a.lines:
		if !ok {
			return l, errors.New("it ended")
		}
		a.pids = l.PIDs
		return l, nil
	case <-ctx.Done():
		return announced{}, ctx.Err()
	}
}

// strike ends a broker and starts it again after a while. It is false if one is being restarted.
func (a *apache) strike(ctx context.Context, node int, sig syscall.Signal, down time.Duration, failed func(error)) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.away != 0 || syscall.Kill(a.pids[node-1], sig) != nil {
		return false
	}
	a.away = node
	go func() {
		defer func() {
			a.mu.Lock()
			a.away = 0
			a.mu.Unlock()
		}()
		if err := a.restart(ctx, node, down); err != nil && ctx.Err() == nil {
			failed(fmt.Errorf("broker %d: %w", node, err))
		}
	}()
	return true
}

func (a *apache) restart(ctx context.Context, node int, down time.Duration) error {
	limit, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for syscall.Kill(a.pids[node-1], 0) == nil {
		if err := sleep(limit, 20*time.Millisecond); err != nil {
			return fmt.Errorf("it did not end: %w", err)
		}
	}
	if err := sleep(limit, down); err != nil {
		return err
	}
	if err := a.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return fmt.Errorf("start it again: %w", err)
	}
	_, err := a.line(limit)
	return err
}

// status is empty while all brokers run.
func (a *apache) status() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.away == 0 {
		return ""
	}
	return fmt.Sprintf("broker %d down", a.away)
}

// stop ends the brokers.
func (a *apache) stop() {
	_ = a.cmd.Process.Signal(syscall.SIGTERM) // gone already is fine
	t := time.AfterFunc(time.Minute, func() { _ = a.cmd.Process.Kill() })
	defer t.Stop()
	for range a.lines { // until its end
	}
	_ = a.cmd.Wait() // how it ended does not matter any more
}

// sleep waits, or returns the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
