package checkpoint_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/checkpoint"
	"github.com/tributary-data/tributary/pkg/state"
)

var errCrash = errors.New("crash")

// Ensure that wherever an upload ends (before or after any operation on the bucket), all that was restorable stays so, and
// calling it again succeeds.
func TestCrashAtEachStep(t *testing.T) {
	dir := t.TempDir()
	grow(t, dir, 10, "a", 500)
	s, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	was, first := content(t, s), snapshot(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = full(t, dir, 20, "b", 500)
	second, is := snapshot(t, s), content(t, s)
	for _, late := range []bool{false, true} {
		crashes := int64(0)
		for n := int64(1); n == crashes+1; n++ {
			name := fmt.Sprintf("operation %d, done %t", n, late)
			v := vault(t, filepath.Join(t.TempDir(), "bucket"))
			base, _, err := v.Upload(t.Context(), first, source, at(10, noon), s.Lineage(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var count atomic.Int64
			v.Fail(func(_, _ string, done bool) error {
				if done == late && count.Add(1) >= n { // and nothing after it, as in a crash
					return errCrash
				}
				return nil
			})
			send := func() (checkpoint.Manifest, error) {
				m, _, err := v.Upload(t.Context(), second, source, at(20, noon.Add(time.Minute)), s.Lineage(), &base)
				return m, err
			}
			_, err = send()
			v.Fail(nil)
			if err != nil {
				crashes++
				if !errors.Is(err, errCrash) {
					t.Fatalf("%s: %v", name, err)
				}
			}
			for _, m := range manifests(t, v) {
				if err := v.Verify(t.Context(), m, nil); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if got := content(t, store(t, restore(t, v, base))); got != was {
				t.Errorf("%s: the first checkpoint came back with other keys or values", name)
			}
			m, err := send()
			if err != nil {
				t.Fatalf("%s: once more: %v", name, err)
			}
			if got := content(t, store(t, restore(t, v, m))); got != is {
				t.Errorf("%s: the second checkpoint came back with other keys or values", name)
			}
		}
		if crashes < 5 { // a list, two files at least, the manifest, and before them a look for one
			t.Errorf("only %d operations crashed", crashes)
		}
	}
}

// Ensure that an object of which half was written is not there, and that write-once holds among many at once.
func TestPut(t *testing.T) {
	checkPut(t, vault(t, t.TempDir()))
	m := checkpoint.InMemory()
	defer m.Close()
	checkPut(t, m)
}

func checkPut(t *testing.T, v *checkpoint.Vault) {
	t.Helper()
	for _, once := range []bool{false, true} {
		err := v.Put(t.Context(), "a/half", func(w io.Writer) error { _, err := io.WriteString(w, "half"); return errors.Join(err, errCrash) }, once)
		if !errors.Is(err, errCrash) {
			t.Errorf("half an object: %v", err)
		}
		if b, err := v.Get(t.Context(), "a/half"); !errors.Is(err, checkpoint.ErrAbsent) {
			t.Errorf("half an object lies there: %q, %v", b, err)
		}
	}
	results := make(chan error)
	for i := range 8 {
		go func() { results <- v.Decide(t.Context(), "accept-gap/3", fmt.Appendf(nil, "by %d", i)) }()
	}
	won := 0
	for range 8 {
		if err := <-results; err == nil {
			won++
		} else if !errors.Is(err, checkpoint.ErrDecided) {
			t.Errorf("a decision: %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of 8 decided", won)
	}
}

// Ensure that a checkpoint with an object that is missing, cut or changed is refused, names it, leaves no folder, and that the
// one before can be used.
func TestDamage(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"missing": os.Remove,
		"cut":     func(path string) error { return os.Truncate(path, 3) },
		"longer":  func(path string) error { return appendTo(path, "x") },
		"changed": func(path string) error {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			b[len(b)/2] ^= 1
			return os.WriteFile(path, b, 0o644)
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := vault(t, t.TempDir())
			before, _, err := v.Upload(t.Context(), files(t, map[string]string{"1.sst": "first"}), source, at(1, noon), id("a"), nil)
			if err != nil {
				t.Fatal(err)
			}
			m, _, err := v.Upload(t.Context(), files(t, map[string]string{"1.sst": "first", "2.sst": "second"}), source, at(2, noon), id("a"), &before)
			if err != nil {
				t.Fatal(err)
			}
			bad := m.Files[1].Object
			if err := damage(filepath.Join(v.Folder(), bad)); err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(t.TempDir(), "restored")
			for _, err := range []error{v.Restore(t.Context(), m, dir, nil), v.Verify(t.Context(), m, nil)} {
				if !errors.Is(err, checkpoint.ErrDamaged) || !strings.Contains(err.Error(), bad) || !strings.Contains(err.Error(), "earlier manifest") {
					t.Errorf("got %v", err)
				}
			}
			if left, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(left) > 0 {
				t.Errorf("left: %v, %v", left, err)
			}
			if err := v.Restore(t.Context(), before, dir, nil); err != nil {
				t.Errorf("the one before: %v", err)
			}
		})
	}
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// Ensure that a restore stops where its context ends, that what an interrupted one left does not matter, and that a folder is not overwritten.
func TestRestoreFolder(t *testing.T) {
	v := vault(t, t.TempDir())
	m, _, err := v.Upload(t.Context(), files(t, map[string]string{"1.sst": "first", "empty": ""}), source, at(1, noon), id("a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "a", "b")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.Restore(ended, m, dir, nil); !errors.Is(err, context.Canceled) || errors.Is(err, checkpoint.ErrDamaged) {
		t.Errorf("without time: %v", err)
	}
	if err := os.MkdirAll(dir+".restoring/1.sst", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := v.Restore(t.Context(), m, dir, nil); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "1.sst")); err != nil || string(b) != "first" {
		t.Errorf("got %q, %v", b, err)
	}
	if err := v.Restore(t.Context(), m, dir, nil); err == nil || !strings.Contains(err.Error(), "it exists") {
		t.Errorf("into a folder that exists: %v", err)
	}
}
