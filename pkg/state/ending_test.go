package state_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/tributary-data/tributary/pkg/stream"
)

// disk says no to all writes to files with an ending, once bad is set.
type disk struct {
	ending string
	why    syscall.Errno
	bad    atomic.Bool
}

func (d *disk) String() string { return "(bad " + d.ending + ")" }

// MaybeError implements errorfs.Injector.
func (d *disk) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.HasSuffix(op.Path, d.ending) && d.bad.Load() {
		return &os.PathError{Op: "write", Path: op.Path, Err: d.why}
	}
	return nil
}

// disks that go bad, and what is said then.
var disks = map[string]*struct {
	disk
	says string
}{
	"full for the log":    {disk{ending: ".log", why: syscall.ENOSPC}, "no space left for state in db: free some, or set TRIBUTARY_STATE_DIR to"},
	"full for tables":     {disk{ending: ".sst", why: syscall.ENOSPC}, "no space left for state in db: free some, or set TRIBUTARY_STATE_DIR to"},
	"broken under tables": {disk{ending: ".sst", why: syscall.EIO}, "state in db cannot be written: check its disk, or set TRIBUTARY_STATE_DIR to"},
}

// Ensure that the process ends with one sentence where a store cannot be written any more, whoever of Pebble notices: what writes
// its log panics, and what writes tables would try again for ever while commits wait.
func TestBadDiskEndsTheProcess(t *testing.T) {
	const variable = "STATE_TEST_DISK"
	if name := os.Getenv(variable); name != "" {
		fill(t, name)
	}
	for name, c := range disks {
		t.Run(name, func(t *testing.T) {
			limit, cancel := context.WithTimeout(t.Context(), 30*time.Second) // of commits that wait for ever
			defer cancel()
			cmd := exec.CommandContext(limit, os.Args[0], "-test.run=^TestBadDiskEndsTheProcess$")
			cmd.Env = append(os.Environ(), variable+"="+name)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("it ended with %v", err)
			}
			if said := strings.TrimSpace(string(out)); !strings.HasPrefix(said, c.says) || strings.Contains(said, "\n") {
				t.Errorf("it says %s", said)
			}
		})
	}
}

// fill commits more than Pebble keeps in memory, and ends the process with 3 if that goes well.
func fill(t *testing.T, name string) {
	d := disks[name]
	s := open(t, "db", errorfs.Wrap(vfs.NewMem(), &d.disk))
	commit(t, s, 1, map[string]string{"k": "v"})
	d.bad.Store(true)
	value := []byte(strings.Repeat("0123456789", 1000))
	for i := range 10_000 {
		if err := s.Commit(stream.From(2), func(b stream.Batcher) error { return b.Set(fmt.Append(nil, i), value) }); err != nil {
			fmt.Println(err)
		}
	}
	os.Exit(3)
}
