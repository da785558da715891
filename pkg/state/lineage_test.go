package state_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tributary-data/tributary/pkg/stream"
)

// Ensure that a checkpoint opens as what the store was at its last commit, and does not change with it.
func TestCheckpoint(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store"), nil)
	defer s.Close()
	commit(t, s, 3, map[string]string{"a": "1", "b": "2"})
	if err := s.Checkpoint(filepath.Join(dir, "copy")); err != nil {
		t.Fatal(err)
	}
	commit(t, s, 4, map[string]string{"a": "", "c": "3"})
	c := open(t, filepath.Join(dir, "copy"), nil)
	defer c.Close()
	if got := content(t, c, "a") + content(t, c, "b") + content(t, c, "c"); got != "a=1b=2" || c.Position() != stream.From(3) {
		t.Errorf("got %q at %+v", got, c.Position())
	}
	if err := s.Checkpoint(filepath.Join(dir, "copy")); err == nil {
		t.Error("a checkpoint overwrites a folder")
	}
}

// Ensure that a store keeps its lineage over restarts and power cuts, and that each copy has its own.
func TestLineage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "store")
	s := open(t, path, nil)
	first := s.Lineage()
	if len(first) != 32 {
		t.Fatalf("lineage %q", first)
	}
	if err := s.Checkpoint(path + ".copy"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c := open(t, path+".copy", nil)
	defer c.Close()
	if c.Lineage() == first {
		t.Error("a copy has the lineage of its store")
	}
	s = open(t, path, nil)
	if s.Lineage() != first {
		t.Errorf("after a restart: %s, was %s", s.Lineage(), first)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "lineage"), []byte(first[:9]), 0o644); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, nil)
	defer s.Close()
	if s.Lineage() == first || len(s.Lineage()) != 32 {
		t.Errorf("of half a file came %q", s.Lineage())
	}
}

func TestLineageSurvivesAPowerCut(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := open(t, "db", fs)
	defer s.Close()
	for seed := range uint64(20) {
		crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(seed, 5))})
		after := open(t, "db", crashed)
		if after.Lineage() != s.Lineage() {
			t.Errorf("seed %d: %s, was %s", seed, after.Lineage(), s.Lineage())
		}
		if err := after.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
