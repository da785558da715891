package stack

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrTaken says that another stack runs on the folder.
var ErrTaken = errors.New("another stack runs on this folder")

// drainWithin is how long the processes of a stack that was killed may take to end.
const drainWithin = 20 * time.Second

// Lock keeps other stacks out of a folder until it is closed. The kernel drops the lock with the last process that has it open: a
// stack's children have, so that what a killed stack leaves is waited for.
func Lock(dir string) (io.Closer, error) { return lock(dir) }

func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot write in the folder %s: choose another with --dir: %w", dir, reason(err))
	}
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			break
		}
		if holder, alive := holder(f.Name()); alive || time.Since(began) > drainWithin {
			return nil, errors.Join(fmt.Errorf("%s: %w (process %s): stop it first, or use another --dir", dir, ErrTaken, holder), f.Close())
		}
	}
	if err == nil {
		err = errors.Join(f.Truncate(0), write(f, strconv.Itoa(os.Getpid())))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), f.Close())
	}
	return f, nil
}

// holder is the process that wrote the lock's file, and whether it still runs.
func holder(file string) (pid string, alive bool) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "unknown", true
	}
	pid = strings.TrimSpace(string(b))
	n, err := strconv.Atoi(pid)
	if err != nil {
		return "unknown", true // it has just begun
	}
	return pid, !errors.Is(syscall.Kill(n, 0), syscall.ESRCH)
}

func write(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// parts are what a stack keeps in its folder.
var parts = []string{"kafka", "clickhouse", "state", "checkpoints", "log"}

// Reset removes what a stack keeps in a folder, and nothing else that may be there. Hold its Lock.
func Reset(dir string) error {
	for _, part := range parts {
		if err := os.RemoveAll(filepath.Join(dir, part)); err != nil {
			return fmt.Errorf("reset: %w", err)
		}
	}
	return nil
}
