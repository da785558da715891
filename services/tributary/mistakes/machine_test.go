package mistakes_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/tributary-data/tributary/pkg/state"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// machine is what the machine does not give: ports, folders, space, permission.
var machine = []mistake{
	{name: "ingest's port is taken", call: []string{"ingest"}, set: []string{"TRIBUTARY_ADDR=$taken"}, says: "address $taken is taken by another program: stop it, or choose another address", exit: 1},
	{name: "an admin port is taken", call: []string{"sessionizer"}, set: []string{"TRIBUTARY_ADMIN_ADDR=$taken", "TRIBUTARY_KAFKA_BROKERS=$mute"}, says: "is taken by another program: stop it, or choose another address", exit: 1},
	{name: "an address without a port", call: []string{"sessionizer"}, set: []string{"TRIBUTARY_ADMIN_ADDR=127.0.0.1", "TRIBUTARY_KAFKA_BROKERS=$mute"}, says: "use host:port, such as 127.0.0.1:8080", exit: 1},
	{name: "an address of another machine", call: []string{"sessionizer"}, set: []string{"TRIBUTARY_ADMIN_ADDR=192.0.2.1:8081", "TRIBUTARY_KAFKA_BROKERS=$mute"}, says: "is no address of this machine: use 127.0.0.1", exit: 1},
	{name: "dev's port for traffic is taken", call: []string{"tributary", "dev", "--dir=$dir", "--addr=$taken", "--kafka=127.0.0.1:0", "--clickhouse=127.0.0.1:0"}, says: "ingest: address $taken is taken by another program: stop it", exit: 1},
	{name: "dev's port for Kafka is taken", call: []string{"tributary", "dev", "--dir=$dir", "--addr=127.0.0.1:0", "--kafka=$taken", "--clickhouse=127.0.0.1:0"}, says: "kafka: broker: address $taken is taken", exit: 1},
	{name: "dev's port for ClickHouse is taken", call: []string{"tributary", "dev", "--dir=$dir", "--addr=127.0.0.1:0", "--kafka=127.0.0.1:0", "--clickhouse=$taken"}, says: "clickhouse: engine: address $taken is taken", exit: 1},
	{name: "the demo's port is taken", call: []string{"tributary", "demo", "--events=300", "--dir=$dir", "--addr=$taken"}, says: "address $taken is taken by another program: stop it", exit: 1},
	{name: "dev's folder is a file", call: []string{"tributary", "dev", "--dir=$file"}, says: "choose another with --dir: not a directory", exit: 1, prepare: file},
	{name: "the demo's folder is below a file", call: []string{"tributary", "demo", "--dir=$file/x"}, says: "choose another with --dir", exit: 1, prepare: file},
	{name: "dev's folder may not be written", call: []string{"tributary", "dev", "--dir=$closed/dev"}, set: []string{"TRIBUTARY_ENGINE=/bin/sh"}, says: "choose another with --dir: permission denied", exit: 1, prepare: closed, as: 65534},
	{name: "two stacks on one folder", call: []string{"tributary", "dev", "--dir=$held"}, says: "another stack runs on this folder (process ", exit: 1, prepare: held},
	{name: "--reset under a running stack", call: []string{"tributary", "dev", "--reset", "--dir=$held"}, says: "stop it first, or use another --dir", exit: 1, prepare: held},
	{name: "a demo on the folder of an earlier one", call: []string{"tributary", "demo", "--dir=$used"}, says: "holds an earlier run: choose an empty --dir, or delete it with --prune", exit: 2, prepare: used},
	{name: "no space for a demo", call: []string{"tributary", "demo", "--dir=$tiny/demo"}, says: "the demo needs 1024: free some, or use --dir", exit: 1, prepare: tiny},
	{name: "no space for state", call: []string{"sessionizer"}, set: []string{"TRIBUTARY_STATE_DIR=$tiny", "TRIBUTARY_OWNERSHIP=all"}, says: "or set TRIBUTARY_STATE_DIR to a", exit: 1, prepare: tiny},
	{name: "the state's folder is a file", call: []string{"sessionizer"}, set: []string{"TRIBUTARY_STATE_DIR=$file", "TRIBUTARY_OWNERSHIP=all"}, says: "set TRIBUTARY_STATE_DIR to a folder that may be written", exit: 1, prepare: file},
	{name: "the state's folder may not be written", call: []string{"sessionizer"}, set: []string{"TRIBUTARY_STATE_DIR=$closed/state", "TRIBUTARY_OWNERSHIP=all"}, says: "set TRIBUTARY_STATE_DIR to a folder that may be written: permission denied", exit: 1, prepare: closed, as: 65534},
	{name: "the folder of checkpoints may not be written", call: []string{"sessionizer"}, set: []string{"TRIBUTARY_CHECKPOINTS=$file/checkpoints"}, says: "checkpoints (TRIBUTARY_CHECKPOINTS): cannot keep anything in $file/checkpoints: use a folder that may be written: not a directory", exit: 1, prepare: file},
	{name: "checkpoints in a store that was not built in", call: []string{"sessionizer"}, set: []string{"TRIBUTARY_CHECKPOINTS=s3://bucket"}, says: "this program was built without s3: build it with -tags cloud", exit: 1},
	{name: "state of a stage that is none", call: []string{"tributary", "state", "show", "--stage=visitors", "--partition=1"}, says: "no stage is named visitors: use visitor, events, sessions or dead-letters", exit: 2},
	{name: "no bucket", call: []string{"tributary", "state", "ls", "--checkpoints=$dir"}, says: "no checkpoints in $dir: use --checkpoints or TRIBUTARY_CHECKPOINTS to name the bucket of the services", exit: 1},
	{name: "a gap that is none", call: []string{"tributary", "state", "accept-gap", "--stage=visitor", "--partition=1", "--yes", "--brokers=$tables", "--checkpoints=$bucket"}, says: "partition 1 of events.g0 lacks nothing", exit: 1, prepare: bucket},
	{name: "a decision that nobody confirmed", call: []string{"tributary", "state", "rebuild", "--stage=visitor", "--partition=1", "--brokers=$tables", "--checkpoints=$bucket"}, says: "nothing was decided: answer yes, or use --yes", exit: 1, prepare: bucket},
	{name: "a partition that is none", call: []string{"tributary", "state", "rebuild", "--stage=visitor", "--partition=99", "--yes", "--brokers=$tables", "--checkpoints=$bucket"}, says: "topic events.g0 has no partition 99: use 0 to 2", exit: 2, prepare: bucket},
	{name: "lag of a stage that is none", call: []string{"tributary", "lag", "--stage=visit", "--brokers=$tables"}, says: "no stage is named visit: use visitor", exit: 2},
	{name: "restating the first epoch", call: []string{"tributary", "restate", "prepare", "--epoch=0", "--brokers=$tables", "--checkpoints=$bucket"}, says: "epoch 0 is the first one: use the next number", exit: 2, prepare: bucket},
	{name: "two services on one state folder", call: []string{"sessionizer"}, set: []string{"TRIBUTARY_STATE_DIR=$state", "TRIBUTARY_OWNERSHIP=all"}, says: "another process keeps its state in", exit: 1, prepare: opened},
	{name: "the state of a topic with other partitions", call: []string{"sessionizer"}, set: []string{"TRIBUTARY_STATE_DIR=$state"}, says: "is of a topic with 5 partitions, this one has 3: set TRIBUTARY_STATE_DIR to an empty folder", exit: 1, prepare: claimed},
	{name: "the state of another log", call: []string{"sessionizer"}, set: []string{"TRIBUTARY_STATE_DIR=$state", "TRIBUTARY_OWNERSHIP=all"}, says: "events.g0/0 at offset 1000000, the log holds 0 to 0: it lost what the state already has; to go on, run tributary state rebuild --stage visitor --partition 0", waits: true, prepare: foreign},
}

// bucket is an empty folder of checkpoints.
func bucket(_ *testing.T, dir string) map[string]string { return map[string]string{"bucket": dir} }

func file(t *testing.T, dir string) map[string]string {
	return map[string]string{"file": write(t, dir, "a-file", "")}
}

// closed is a folder that only the test's user may write.
func closed(t *testing.T, dir string) map[string]string {
	if os.Geteuid() != 0 {
		t.Skip("only root can make the mistake as another user")
	}
	p := filepath.Join(dir, "closed")
	if err := os.Mkdir(p, 0o755); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"closed": p}
}

// held is a folder on which a stack runs, as far as its lock tells.
func held(t *testing.T, dir string) map[string]string {
	l, err := stack.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return map[string]string{"held": dir}
}

func used(t *testing.T, dir string) map[string]string {
	write(t, dir, "kafka/log/x", "")
	return map[string]string{"used": dir}
}

// tiny is a file system of 16 KiB.
func tiny(t *testing.T, dir string) map[string]string {
	p := filepath.Join(dir, "tiny")
	if err := os.Mkdir(p, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := mountTiny(p); err != nil {
		t.Skipf("a full disk needs the right to mount one: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(p, 0); err != nil {
			t.Error(err)
		}
	})
	return map[string]string{"tiny": p}
}

// store is the state of the sessionizer's first partition.
func store(t *testing.T, dir string) *state.Store {
	s, err := state.Open(filepath.Join(dir, "visitor", "g0.e0", "0"), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func opened(t *testing.T, dir string) map[string]string {
	s := store(t, dir)
	t.Cleanup(func() { _ = s.Close() })
	return map[string]string{"state": dir}
}

// foreign is the state of a log that is longer than ours: of a topic that was deleted and created again.
func foreign(t *testing.T, dir string) map[string]string {
	s := store(t, dir)
	if err := s.Commit(stream.From(1_000_000), func(stream.Batcher) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"state": dir}
}

// claimed is the state of a topic with five partitions.
func claimed(t *testing.T, dir string) map[string]string {
	if err := state.Claim(filepath.Join(dir, "visitor", "g0.e0"), 5); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"state": dir}
}
