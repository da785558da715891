package parts_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/checkpoint"
	"github.com/tributary-data/tributary/pkg/obs"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/services/internal/parts"
)

var topicID = [16]byte{1, 2, 3}

// machine is one with a state folder of its own; all share the bucket.
func machine(t *testing.T, bucket string) *parts.Keeper {
	t.Helper()
	v, err := checkpoint.Open(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	s := parts.Stages(0, 0)[0]
	s.Partitions = 3
	return &parts.Keeper{Stage: s, TopicID: topicID, Dir: t.TempDir(), Vault: v, Every: time.Nanosecond, Health: &obs.Health{}, Log: zap.NewNop()}
}

func open(t *testing.T, k *parts.Keeper) *parts.Opened {
	t.Helper()
	o, err := k.Open(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func shut(t *testing.T, o *parts.Opened) {
	t.Helper()
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

// fold commits a value up to an offset, as a loop does.
func fold(t *testing.T, o *parts.Opened, next int64, value string) stream.Progress {
	t.Helper()
	at := stream.Position{Next: next, Topic: topicID, LastOffset: next - 1, LastHash: uint64(next), LeaderEpoch: 4}
	if err := o.Commit(at, func(b stream.Batcher) error { return b.Set([]byte("v"), []byte(value)) }); err != nil {
		t.Fatal(err)
	}
	return stream.Progress{Position: at, Watermark: 7, At: time.Now()}
}

// upload copies the store to the bucket as Background does, and waits for it.
func upload(t *testing.T, k *parts.Keeper, o *parts.Opened, p stream.Progress) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- o.Background(ctx) }()
	src := checkpoint.Source{Stage: k.Name, Topic: k.Topic, TopicID: hex.EncodeToString(topicID[:]), Partition: 1, Partitions: 3}
	for there := false; !there; {
		o.Committed(p)
		all, err := k.Vault.Manifests(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			there = there || m.Next == p.Next && m.Lineage == o.Lineage()
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// holds tells where a store is and what it holds.
func holds(t *testing.T, o *parts.Opened) string {
	t.Helper()
	out := fmt.Sprint(o.Position().Next)
	if err := o.Each([]byte("v"), func(_, v []byte) error { out += " " + string(v); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// Ensure that a partition goes on from the furthest state there is: on the disk, or in the bucket.
func TestFurthestStateCounts(t *testing.T) {
	bucket := t.TempDir()
	a, b := machine(t, bucket), machine(t, bucket)
	first := open(t, a)
	if got := holds(t, first); got != "0" {
		t.Errorf("a new partition starts at %s", got)
	}
	upload(t, a, first, fold(t, first, 10, "ten"))
	fold(t, first, 20, "twenty")
	shut(t, first)
	other := open(t, b)
	if got := holds(t, other); got != "10 ten" || other.Position().LastHash != 10 || other.Position().Topic != topicID {
		t.Errorf("another machine starts at %s, %+v", got, other.Position())
	}
	if other.Lineage() == first.Lineage() {
		t.Error("the restored store has the lineage of the one that it was copied from")
	}
	again := open(t, a)
	if got := holds(t, again); got != "20 twenty" {
		t.Errorf("the first machine goes on at %s", got)
	}
	shut(t, again)
	upload(t, b, other, fold(t, other, 30, "thirty"))
	shut(t, other)
	again = open(t, a)
	if got := holds(t, again); got != "30 thirty" {
		t.Errorf("the first machine, which was left behind, goes on at %s", got)
	}
	shut(t, again)
}

// Ensure that both of two stores that were restored from one checkpoint, and went on apart, can be restored.
func TestDoubleRestore(t *testing.T) {
	bucket := t.TempDir()
	a, b, c := machine(t, bucket), machine(t, bucket), machine(t, bucket)
	o := open(t, a)
	upload(t, a, o, fold(t, o, 10, "ten"))
	shut(t, o)
	x, y := open(t, b), open(t, c)
	upload(t, b, x, fold(t, x, 20, "twenty"))
	upload(t, c, y, fold(t, y, 21, "twenty-one"))
	shut(t, x)
	shut(t, y)
	if got := holds(t, open(t, machine(t, bucket))); got != "21 twenty-one" {
		t.Errorf("got %s", got)
	}
	names, err := filepath.Glob(filepath.Join(bucket, "visitor/g0.e0/1/manifest/*00021-*"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	if err := os.Remove(names[0]); err != nil {
		t.Fatal(err)
	}
	if got := holds(t, open(t, machine(t, bucket))); got != "20 twenty" {
		t.Errorf("the other one: got %s", got)
	}
}

// Ensure that a damaged checkpoint gives way to an earlier one, and that a partition does not start empty beside damaged ones.
func TestDamagedCheckpoints(t *testing.T) {
	bucket := t.TempDir()
	a := machine(t, bucket)
	o := open(t, a)
	upload(t, a, o, fold(t, o, 10, "ten"))
	upload(t, a, o, fold(t, o, 20, "twenty"))
	shut(t, o)
	damage := func(pattern string) {
		t.Helper()
		names, err := filepath.Glob(filepath.Join(bucket, pattern))
		if err != nil || len(names) == 0 {
			t.Fatal(pattern, names, err)
		}
		for _, n := range names {
			if err := os.WriteFile(n, []byte("{"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	damage("visitor/g0.e0/1/manifest/*00020-*")
	if got := holds(t, open(t, machine(t, bucket))); got != "10 ten" {
		t.Errorf("got %s", got)
	}
	damage("visitor/g0.e0/1/object/*/*")
	_, err := machine(t, bucket).Open(t.Context(), 1)
	if h := stream.HaltOf(err); h == nil || h.Reason != stream.ReasonManifest {
		t.Errorf("got %v", err)
	}
	again := open(t, a)
	if got := holds(t, again); got != "20 twenty" {
		t.Errorf("the machine with a disk goes on at %s", got)
	}
}

// Ensure that a checkpoint of another log stops the partition, where there is no state on the disk that could be compared.
func TestForeignCheckpoint(t *testing.T) {
	bucket := t.TempDir()
	a := machine(t, bucket)
	o := open(t, a)
	upload(t, a, o, fold(t, o, 10, "ten"))
	shut(t, o)
	for reason, change := range map[stream.Reason]func(k *parts.Keeper){
		stream.ReasonTopic:      func(k *parts.Keeper) { k.TopicID[0]++ },
		stream.ReasonPartitions: func(k *parts.Keeper) { k.Partitions++ },
	} {
		k := machine(t, bucket)
		change(k)
		_, err := k.Open(t.Context(), 1)
		if h := stream.HaltOf(err); h == nil || h.Reason != reason {
			t.Errorf("%s: got %v", reason, err)
		}
	}
}

func decision(from, to int64) parts.Decision {
	return parts.Decision{TopicID: hex.EncodeToString(topicID[:]), From: from, To: to, At: time.Unix(1, 0).UTC()}
}

// Ensure that a decision to go on without some records counts exactly where it was made, and cannot be made twice.
func TestAcceptGap(t *testing.T) {
	bucket := t.TempDir()
	k := machine(t, bucket)
	o := open(t, k)
	if o.Gap != nil {
		t.Errorf("a gap that nobody decided: %+v", o.Gap)
	}
	fold(t, o, 10, "ten")
	shut(t, o)
	if err := k.AcceptGap(t.Context(), k.Vault, 1, decision(10, 50)); err != nil {
		t.Fatal(err)
	}
	if err := k.AcceptGap(t.Context(), k.Vault, 1, decision(10, 60)); !errors.Is(err, checkpoint.ErrDecided) {
		t.Errorf("another decision about the same offset: %v", err)
	}
	if err := k.AcceptGap(t.Context(), k.Vault, 1, decision(10, 10)); err == nil {
		t.Error("an empty gap was accepted")
	}
	o = open(t, k)
	if o.Gap == nil || *o.Gap != (stream.Gap{From: 10, To: 50}) {
		t.Errorf("got %+v", o.Gap)
	}
	shut(t, o)
	other := &parts.Keeper{Stage: k.Stage, TopicID: [16]byte{9}, Dir: k.Dir, Vault: k.Vault, Health: k.Health, Log: k.Log}
	if o = open(t, other); o.Gap != nil {
		t.Errorf("in another topic of the name: %+v", o.Gap)
	}
	shut(t, o)
	o = open(t, k)
	fold(t, o, 11, "eleven")
	shut(t, o)
	if o = open(t, k); o.Gap != nil {
		t.Errorf("at another offset: %+v", o.Gap)
	}
	shut(t, o)
	if got, err := k.Decisions(t.Context(), k.Vault, 1); err != nil || len(got) != 1 || got[0].Kind != parts.KindGap || got[0].To != 50 {
		t.Errorf("decisions are %+v, %v", got, err)
	}
}

// Ensure that a rebuild ends the folding that goes on, forgets disk and checkpoints of before, once, and everywhere.
func TestRebuild(t *testing.T) {
	bucket := t.TempDir()
	k, other := machine(t, bucket), machine(t, bucket)
	o := open(t, k)
	upload(t, k, o, fold(t, o, 10, "ten"))
	shut(t, o)
	before := open(t, other)
	shut(t, before)
	if n, err := k.Rebuild(t.Context(), k.Vault, 1, decision(0, 0)); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	for _, m := range []*parts.Keeper{k, other} {
		o := open(t, m)
		if got := holds(t, o); got != "0" {
			t.Errorf("after the decision a machine goes on at %s", got)
		}
		fold(t, o, 5, "five")
		shut(t, o)
		o = open(t, m)
		if got := holds(t, o); got != "5 five" {
			t.Errorf("the next time it goes on at %s", got)
		}
		shut(t, o)
	}
}

// Ensure that a partition that stopped says what goes on from there, until it goes; and that no command is advised that would make
// wrong rows or meet the same again.
func TestStopped(t *testing.T) {
	for _, c := range []struct {
		stage  string
		reason stream.Reason
		says   string
	}{
		{parts.StageVisitor, stream.ReasonTrimmed, "run tributary state accept-gap --stage visitor --partition 1"},
		{parts.StageVisitor, stream.ReasonBeyond, "run tributary state rebuild --stage visitor --partition 1"},
		{parts.StageEvents, stream.ReasonTopic, "a new TRIBUTARY_GENERATION"},
		{parts.StageVisitor, stream.ReasonPartitions, "a new TRIBUTARY_GENERATION"},
		{parts.StageSessions, stream.ReasonTopic, "run tributary restate prepare --epoch 1"},
		{parts.StageLetters, stream.ReasonTopic, "run tributary state rebuild --stage dead-letters --partition 1"},
		{parts.StageEvents, stream.ReasonCorrupt, "make a replica whose copy is whole the leader"},
		{parts.StageEvents, stream.ReasonPoison, "TRIBUTARY_POISON_PER_MINUTE"},
	} {
		k := machine(t, t.TempDir())
		k.Name = c.stage
		k.Stopped(1, fmt.Errorf("read: %w", stream.Haltf(c.reason, "gone")))
		ready, text := status(k.Health)
		if ready != 200 || !strings.Contains(text, fmt.Sprintf(`"degraded":["%s/1"]`, c.stage)) || !strings.Contains(text, c.says) {
			t.Errorf("%s: got %d %s", c.reason, ready, text)
		}
		if strings.Contains(text, "state rebuild") != strings.Contains(c.says, "state rebuild") {
			t.Errorf("%s: it advises a rebuild: %s", c.reason, text)
		}
		k.Going(1)
		if _, text = status(k.Health); !strings.Contains(text, `"degraded":[]`) {
			t.Errorf("got %s", text)
		}
	}
}
