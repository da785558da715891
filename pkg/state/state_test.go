package state_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tributary-data/tributary/pkg/state"
	"github.com/tributary-data/tributary/pkg/stream"
)

func open(t testing.TB, dir string, fs vfs.FS) *state.Store {
	t.Helper()
	s, err := state.Open(dir, state.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func commit(t testing.TB, s *state.Store, next int64, changes map[string]string) {
	t.Helper()
	err := s.Commit(stream.From(next), func(b stream.Batcher) error {
		for k, v := range changes {
			var err error
			if v == "" {
				err = b.Delete([]byte(k))
			} else {
				err = b.Set([]byte(k), []byte(v))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func content(t testing.TB, s *state.Store, prefix string) string {
	t.Helper()
	var out []string
	err := s.Each([]byte(prefix), func(k, v []byte) error {
		out = append(out, fmt.Sprintf("%s=%s", k, v))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, " ")
}

func TestCommitAndReopen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	if s.Position().Next != 0 {
		t.Errorf("an empty store continues from %d", s.Position().Next)
	}
	commit(t, s, 7, map[string]string{"v/b": "2", "v/a": "1", "w": "9", "v\xff": "x"})
	commit(t, s, 9, map[string]string{"v/a": "", "v/c": "3"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, nil)
	defer s.Close()
	if s.Position().Next != 9 {
		t.Errorf("next: got %d, want 9", s.Position().Next)
	}
	if got := content(t, s, "v/"); got != "v/b=2 v/c=3" {
		t.Errorf("prefix v/: got %s", got)
	}
	if got := content(t, s, "v\xff"); got != "v\xff=x" {
		t.Errorf("prefix that ends in 0xff: got %q", got)
	}
}

// Ensure that of several changes of one key in a commit the last counts, and that the memory of one commit does not show in the next.
func TestLastChangeCounts(t *testing.T) {
	st, err := state.Open(t.TempDir(), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for round := range 3 {
		err := st.Commit(stream.From(int64(round)), func(b stream.Batcher) error {
			return errors.Join(b.Set([]byte("b"), []byte("first")), b.Set([]byte("a"), []byte("gone")), b.Delete([]byte("b")),
				b.Set([]byte("b"), fmt.Appendf(nil, "last %d", round)), b.Delete([]byte("a")), b.Set([]byte("c"), nil))
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := content(t, st, "a")+content(t, st, "b"), fmt.Sprintf("b=last %d", round); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Ensure that a save that fails changes nothing, not even the next offset.
func TestFailedSaveChangesNothing(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	defer s.Close()
	commit(t, s, 5, map[string]string{"a": "1"})
	err := s.Commit(stream.From(6), func(b stream.Batcher) error { return errors.Join(b.Set([]byte("a"), []byte("2")), errors.New("boom")) })
	if err == nil || s.Position().Next != 5 || content(t, s, "a") != "a=1" {
		t.Errorf("got %v, next %d, %s", err, s.Position().Next, content(t, s, "a"))
	}
}

// Ensure that a second owner of a folder is refused.
func TestOneOwner(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	defer s.Close()
	if second, err := state.Open(dir, state.Options{}); err == nil {
		second.Close()
		t.Error("two owners have one store")
	}
}

// Ensure that after a power cut the store is a prefix of its log: state and next offset fall back together.
func TestCrashKeepsAPrefix(t *testing.T) {
	lost := 0
	for seed := range uint64(100) {
		fs := vfs.NewCrashableMem()
		s := open(t, "db", fs)
		const commits = 60
		for i := range commits {
			n := binary.BigEndian.AppendUint64(nil, uint64(i))
			err := s.Commit(stream.From(int64(i+1)), func(b stream.Batcher) error { return b.Set(append([]byte("k"), n...), n) })
			if err != nil {
				t.Fatal(err)
			}
		}
		crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(seed, 3))})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		after := open(t, "db", crashed)
		keys := int64(0)
		err := after.Each([]byte("k"), func(k, _ []byte) error {
			if got := int64(binary.BigEndian.Uint64(k[1:])); got != keys {
				t.Errorf("seed %d: key %d is missing", seed, keys)
			}
			keys++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if after.Position().Next != keys {
			t.Errorf("seed %d: next offset %d, %d keys", seed, after.Position().Next, keys)
		}
		if keys < commits {
			lost++
		}
		if err := after.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if lost == 0 {
		t.Error("no crash lost anything: the test tests nothing")
	}
}

func BenchmarkCommit(b *testing.B) {
	s := open(b, b.TempDir(), nil)
	defer s.Close()
	value := make([]byte, 200)
	r := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	next := int64(0)
	for b.Loop() {
		next++
		err := s.Commit(stream.From(next), func(w stream.Batcher) error {
			for range 1000 {
				if err := w.Set(binary.BigEndian.AppendUint64([]byte("k"), r.Uint64N(1e6)), value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*1000), "ns/key")
}
