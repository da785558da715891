package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka/kafkatest"
	"github.com/tributary-data/tributary/pkg/state"
	"github.com/tributary-data/tributary/services/internal/parts"
)

// smallDisk mounts a disk of some MiB at dir.
func smallDisk(t *testing.T, dir string, mib int) (grow func(mib int)) {
	t.Helper()
	size := func(mib int) string { return fmt.Sprintf("size=%dm", mib) }
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, size(mib)); err != nil {
		t.Skipf("a full disk needs the right to mount one: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return func(mib int) {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, size(mib)); err != nil {
			t.Fatal(err)
		}
	}
}

// Ensure that a sessionizer whose disk is full ends with one sentence that says what to do, goes on once there is space, and comes
// to the sessions of one that never lacked any.
func TestDiskFull(t *testing.T) {
	skipIfShort(t)
	broker := kafkatest.Start(t, kafkatest.Options{})
	r := newRounds(t, broker.Brokers(), 2, 100_000, time.Millisecond)
	set := []string{"TRIBUTARY_KAFKA_BROKERS=" + broker.Brokers(), "TRIBUTARY_OWNERSHIP=all", "TRIBUTARY_CHECKPOINT_EVERY=1s"}
	disk := t.TempDir()
	grow := smallDisk(t, disk, 24)
	one := sessionizer(t, "one", slices.Concat(set, []string{"TRIBUTARY_CHECKPOINTS=" + t.TempDir(), "TRIBUTARY_STATE_DIR=" + disk})...)
	one.start(t)
	began := time.Now()
	limit, stop := context.WithTimeout(t.Context(), waitWithin)
	defer stop()
	for one.runs() {
		if err := r.write(limit, 1000); err != nil {
			t.Fatalf("the sessionizer goes on with a full disk: %v", err)
		}
	}
	if code := one.ended(t); code != 1 {
		t.Errorf("it ended with %d", code)
	}
	t.Logf("the disk was full after %s and %d rounds", time.Since(began).Round(time.Millisecond), len(r.acked))
	var stopped []string
	for line := range strings.Lines(one.log(t)) {
		var said struct{ Level, Error string }
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			t.Errorf("a line that is no log: %s", line)
		}
		if said.Level == "error" {
			stopped = append(stopped, said.Error)
		}
	}
	if len(stopped) != 1 || !strings.HasPrefix(stopped[0], "no space left for state in "+disk) || !strings.Contains(stopped[0], "free some, or set TRIBUTARY_STATE_DIR to a folder with more") {
		t.Errorf("it says %q", stopped)
	}

	grow(512)
	for p := range r.n {
		st, err := state.Open(filepath.Join(disk, parts.Stages(0, 0)[0].Folder(), strconv.Itoa(p)), state.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("partition %d goes on at offset %d of %d", p, st.Position().Next, len(r.acked)*perRound)
		if st.Position().Next <= perRound {
			t.Errorf("partition %d begins at offset %d", p, st.Position().Next)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
	one.start(t)
	watermark := r.close(t)
	got := r.sessions(t, 0, watermark)
	alone := sessionizer(t, "alone", slices.Concat(set, []string{"TRIBUTARY_CHECKPOINTS=" + t.TempDir(), "TRIBUTARY_EPOCH=1"})...)
	alone.start(t)
	same(t, "sessions", got, r.sessions(t, 1, watermark))
	t.Logf("%d sessions, as with space", len(got))
}
