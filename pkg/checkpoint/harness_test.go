package checkpoint_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/checkpoint"
	"github.com/tributary-data/tributary/pkg/state"
	"github.com/tributary-data/tributary/pkg/stream"
)

var (
	source = checkpoint.Source{Stage: "visitor", Topic: "events.g0", TopicID: "0123456789abcdef0123456789abcdef", Partition: 3, Partitions: 12}
	noon   = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
)

// at is a place in the log.
func at(next int64, t time.Time) checkpoint.Point {
	return checkpoint.Point{Next: next, LastOffset: next - 1, LastHash: 1<<63 + uint64(next), LeaderEpoch: 4, Watermark: 1000 * next, At: t}
}

func vault(t testing.TB, address string) *checkpoint.Vault {
	t.Helper()
	v, err := checkpoint.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

func store(t testing.TB, dir string) *state.Store {
	t.Helper()
	s, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// full is a store in dir with n more keys of a tag, in tables: opening a store writes what its log holds into one.
func full(t testing.TB, dir string, next int64, tag string, n int) *state.Store {
	t.Helper()
	grow(t, dir, next, tag, n)
	return store(t, dir)
}

// grow gives the store in dir n more keys, and closes it.
func grow(t testing.TB, dir string, next int64, tag string, n int) {
	t.Helper()
	s, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s, next, tag, n, 100)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// fill commits n keys with a tag, so that the store ends at offset next.
func fill(t testing.TB, s *state.Store, next int64, tag string, n, size int) {
	t.Helper()
	err := s.Commit(stream.From(next), func(b stream.Batcher) error {
		for i := range n {
			value := fmt.Appendf(nil, "%s-%d-%0*d", tag, i, size, next)
			if err := b.Set(fmt.Appendf(nil, "k/%s/%06d", tag, i), value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// content is all that a store holds.
func content(t testing.TB, s *state.Store) string {
	t.Helper()
	out := strings.Builder{}
	fmt.Fprintf(&out, "next %d\n", s.Position().Next)
	if err := s.Each(nil, func(k, v []byte) error { fmt.Fprintf(&out, "%x %x\n", k, v); return nil }); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// snapshot makes a checkpoint of a store in a new folder.
func snapshot(t testing.TB, s *state.Store) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "checkpoint")
	if err := s.Checkpoint(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func upload(t testing.TB, v *checkpoint.Vault, s *state.Store, when time.Time, previous *checkpoint.Manifest) (checkpoint.Manifest, int64) {
	t.Helper()
	m, n, err := v.Upload(t.Context(), snapshot(t, s), source, at(s.Position().Next, when), s.Lineage(), previous)
	if err != nil {
		t.Fatal(err)
	}
	return m, n
}

// restore gives the folder that a manifest restores to.
func restore(t testing.TB, v *checkpoint.Vault, m checkpoint.Manifest) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "restored")
	if err := v.Restore(t.Context(), m, dir, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

func manifests(t testing.TB, v *checkpoint.Vault) []checkpoint.Manifest {
	t.Helper()
	list, err := v.Manifests(context.WithoutCancel(t.Context()), source)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// files writes a folder of files with these contents.
func files(t testing.TB, content map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range content {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
