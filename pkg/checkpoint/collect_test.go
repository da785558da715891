package checkpoint_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/checkpoint"
)

const day = 24 * time.Hour

// fataler is a test or a property's.
type fataler interface {
	Helper()
	Fatal(...any)
}

// touch gives an object of a folder's bucket a time.
func touch(t fataler, v *checkpoint.Vault, key string, when time.Time) {
	t.Helper()
	if err := os.Chtimes(filepath.Join(v.Folder(), filepath.FromSlash(key)), when, when); err != nil {
		t.Fatal(err)
	}
}

// dated makes the bucket stamp what is written with clock.
func dated(t testing.TB, v *checkpoint.Vault, clock *time.Time) {
	v.Clock(func() time.Time { return *clock })
	v.Fail(func(op, key string, done bool) error {
		if op == "put" && done {
			touch(t, v, key, *clock)
		}
		return nil
	})
}

// Ensure that the newest manifests stay, those younger than a day, and those that were among the newest less than a day ago.
func TestCollect(t *testing.T) {
	v := vault(t, t.TempDir())
	now := noon
	dated(t, v, &now)
	renewed := source
	renewed.TopicID = id("e")
	send := func(next int64, s checkpoint.Source, when time.Time) {
		t.Helper()
		now = when
		text := fmt.Sprintf("%s %d", s.TopicID, next)
		if _, _, err := v.Upload(t.Context(), files(t, map[string]string{"1.sst": text}), s, at(next, when), id("a"), nil); err != nil {
			t.Fatal(err)
		}
	}
	left := func() (out []int64) {
		t.Helper()
		for _, m := range manifests(t, v) {
			if err := v.Verify(t.Context(), m, nil); err != nil {
				t.Error(err)
			}
			out = append(out, m.Next)
		}
		return out
	}
	collect := func(keep int, at time.Time, manifests, objects int, want ...int64) {
		t.Helper()
		c, err := v.Collect(t.Context(), source, keep, day, at)
		if err != nil || c.Manifests != manifests || c.Objects != objects || c.Kept != len(want) {
			t.Errorf("collected %+v, %v", c, err)
		}
		if got := left(); !slices.Equal(got, want) {
			t.Errorf("left %v, want %v", got, want)
		}
	}
	send(5, renewed, noon) // the topic was made anew later: its offsets are lower, and newest all the same
	for i := range int64(4) {
		send(100+i, source, noon.Add(time.Duration(i)*time.Hour))
	}
	collect(2, noon.Add(day), 0, 0, 103, 102, 101, 100, 5)
	collect(2, noon.Add(day+2*time.Hour), 0, 0, 103, 102, 101, 100, 5) // 100 was second until 102 came, a day ago
	collect(2, noon.Add(day+3*time.Hour+time.Second), 2, 2, 103, 102, 5)
	collect(2, noon.Add(30*day), 0, 0, 103, 102, 5)
	collect(1, noon.Add(30*day), 1, 1, 103, 5)
	for _, c := range []struct {
		keep  int
		older time.Duration
	}{{0, day}, {1, checkpoint.MinAge - 1}} {
		if _, err := v.Collect(t.Context(), source, c.keep, c.older, noon.Add(90*day)); err == nil {
			t.Errorf("keep %d, older %v passed", c.keep, c.older)
		}
	}
}

// Ensure that what crashes left goes when it is old: objects without a manifest, and files that are not whole.
func TestCollectLeftovers(t *testing.T) {
	v := vault(t, t.TempDir())
	m, _, err := v.Upload(t.Context(), files(t, map[string]string{"1.sst": "x"}), source, at(1, time.Now()), id("a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	lost := filepath.Join(v.Folder(), ".unfinished", "lost")
	if err := os.WriteFile(lost, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	orphan := m.Files[0].Object + "0" // no upload of ours
	if err := os.WriteFile(filepath.Join(v.Folder(), filepath.FromSlash(orphan)), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at      time.Time
		objects int
		there   bool
	}{{time.Now(), 0, true}, {time.Now().Add(2 * day), 1, false}} {
		got, err := v.Collect(t.Context(), source, 1, day, c.at)
		if err != nil || got.Objects != c.objects || got.Bytes != int64(c.objects) {
			t.Errorf("collected %+v, %v", got, err)
		}
		if _, err := os.Stat(lost); errors.Is(err, os.ErrNotExist) == c.there {
			t.Errorf("the unfinished file: %v, there should be one: %t", err, c.there)
		}
	}
	if err := v.Verify(t.Context(), m, nil); err != nil {
		t.Error(err)
	}
}

// Ensure that an upload does not count on what may go while it lasts: old objects it puts again, young ones it leaves.
func TestUploadRenewsWhatIsOld(t *testing.T) {
	for _, remembers := range []bool{true, false} {
		for pause, again := range map[time.Duration]bool{5 * time.Hour: false, 20 * time.Hour: true} {
			v := vault(t, t.TempDir())
			now := noon
			dated(t, v, &now)
			send := func(next int64, lineage string, previous *checkpoint.Manifest) (checkpoint.Manifest, int64) {
				t.Helper()
				dir := files(t, map[string]string{"1.sst": strings.Repeat("x", 9000), "LOG": fmt.Sprint(next)})
				m, moved, err := v.Upload(t.Context(), dir, source, at(next, now), lineage, previous)
				if err != nil {
					t.Fatal(err)
				}
				return m, moved
			}
			first, _ := send(1, id("a"), nil)
			now = noon.Add(time.Hour)
			send(50, id("b"), nil)
			now = noon.Add(pause)
			v.Fail(func(op, key string, done bool) error {
				if op != "put" {
					return nil
				}
				if done {
					touch(t, v, key, now)
					return nil
				}
				now = noon.Add(pause + 6*time.Hour) // slow
				_, err := vault(t, v.Folder()).Collect(t.Context(), source, 1, checkpoint.MinAge, now)
				return err
			})
			previous := &first
			if !remembers {
				previous = nil
			}
			m, moved := send(2, id("a"), previous)
			if err := v.Verify(t.Context(), m, nil); err != nil {
				t.Errorf("after %v, remembers %t: %v", pause, remembers, err)
			}
			if moved > 9000 != again {
				t.Errorf("after %v, remembers %t: moved %d bytes", pause, remembers, moved)
			}
		}
	}
}

// Ensure that an upload of the very files that a collection is about to delete is whole: the collection looked before it.
func TestUploadDuringCollect(t *testing.T) {
	v := vault(t, t.TempDir())
	now := noon
	dated(t, v, &now)
	send := func(next int64, lineage string) checkpoint.Manifest {
		t.Helper()
		m, _, err := v.Upload(t.Context(), files(t, map[string]string{"1.sst": "x"}), source, at(next, now), lineage, nil)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	old := send(1, id("a"))
	send(50, id("b"))
	now = noon.Add(2 * day)
	var again []checkpoint.Manifest
	slow := vault(t, v.Folder())
	slow.Fail(func(op, key string, done bool) error {
		if op == "delete" && key == old.Files[0].Object && !done {
			again = append(again, send(2, id("a")))
		}
		return nil
	})
	if c, err := slow.Collect(t.Context(), source, 1, day, now); err != nil || c.Objects != 1 || len(again) != 1 {
		t.Fatalf("collected %+v, %v; %d uploads", c, err, len(again))
	}
	if err := v.Verify(t.Context(), again[0], nil); err != nil {
		t.Error(err)
	}
}
