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

	"pgregory.net/rapid"

	"github.com/tributary-data/tributary/pkg/checkpoint"
)

// owner is a local store, as the bucket sees it: a lineage, files that never change, and one that does.
type owner struct {
	lineage  string
	next     int64
	tables   map[string]string
	previous *checkpoint.Manifest
}

// world is a bucket with several owners and a clock of its own.
type world struct {
	t        *rapid.T
	v, other *checkpoint.Vault // two processes
	now      time.Time
	owners   []*owner
	folders  string
	count    int
}

// Ensure that whatever owners, crashes, restores and collections do, each manifest that is there is whole, and of the newest none is missing.
func TestCollectNeverBreaksAManifest(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		w := &world{t: rt, now: noon, folders: dir}
		for _, v := range []**checkpoint.Vault{&w.v, &w.other} {
			if *v, err = checkpoint.Open(t.Context(), filepath.Join(dir, "bucket")); err != nil {
				rt.Fatal(err)
			}
			defer (*v).Close()
			(*v).Clock(func() time.Time { return w.now })
		}
		for range 2 {
			w.owners = append(w.owners, w.owner(0))
		}
		rt.Repeat(map[string]func(*rapid.T){
			"time":    func(rt *rapid.T) { w.now = w.now.Add(w.hours(rt, 30)) },
			"upload":  w.upload,
			"restore": w.restore,
			"collect": func(rt *rapid.T) { w.collect(rt, w.v) },
			"":        w.check,
		})
	})
}

func (w *world) hours(rt *rapid.T, most int) time.Duration {
	return time.Duration(rapid.IntRange(0, most*60).Draw(rt, "minutes")) * time.Minute
}

func (w *world) owner(next int64) *owner {
	w.count++
	return &owner{lineage: fmt.Sprintf("%032x", w.count), next: next, tables: map[string]string{}}
}

// upload takes up to 5 hours, during which others collect, and may crash.
func (w *world) upload(rt *rapid.T) {
	o := rapid.SampledFrom(w.owners).Draw(rt, "owner")
	for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 4), 0, 2, rapid.ID).Draw(rt, "tables") {
		name := fmt.Sprintf("%d.sst", n)
		if _, ok := o.tables[name]; ok {
			delete(o.tables, name) // compacted away; the name does not come back with another content
		} else {
			o.tables[name] = o.lineage[31:] + name
		}
	}
	o.next += int64(rapid.IntRange(0, 2).Draw(rt, "records"))
	w.count++
	dir := filepath.Join(w.folders, fmt.Sprint("checkpoint", w.count))
	if err := os.Mkdir(dir, 0o755); err != nil {
		rt.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for name, text := range o.tables {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			rt.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "LOG"), fmt.Append(nil, o.lineage, o.next), 0o644); err != nil {
		rt.Fatal(err)
	}
	previous := o.previous
	if rapid.Bool().Draw(rt, "forgot") {
		previous = nil
	}
	started := w.now
	crash, pause := rapid.IntRange(1, 12).Draw(rt, "crash"), rapid.IntRange(1, 8).Draw(rt, "pause")
	slept := w.hours(rt, 5)
	steps := 0
	w.v.Fail(func(op, key string, done bool) error {
		if op == "put" && done {
			touch(rt, w.v, key, w.now)
		}
		if steps++; steps == pause {
			w.now = started.Add(slept)
			w.collect(rt, w.other)
		}
		if steps == crash {
			return errCrash
		}
		return nil
	})
	m, _, err := w.v.Upload(rt.Context(), dir, source, at(o.next, started), o.lineage, previous)
	w.v.Fail(nil)
	if err == nil {
		o.previous = &m
	} else if !errors.Is(err, errCrash) {
		rt.Fatal(err)
	}
}

// restore puts a new owner in an old one's place.
func (w *world) restore(rt *rapid.T) {
	list := w.list(rt)
	if len(list) == 0 {
		rt.Skip("nothing to restore")
	}
	m := rapid.SampledFrom(list).Draw(rt, "manifest")
	o := w.owner(m.Next)
	for _, f := range m.Files {
		if strings.HasSuffix(f.Name, ".sst") {
			o.tables[f.Name] = m.Lineage[31:] + f.Name
		}
	}
	w.owners[rapid.IntRange(0, len(w.owners)-1).Draw(rt, "place")] = o
}

// collect checks that nothing goes that must stay.
func (w *world) collect(rt *rapid.T, v *checkpoint.Vault) {
	keep := rapid.IntRange(1, 3).Draw(rt, "keep")
	older := checkpoint.MinAge + w.hours(rt, 30)
	before := w.list(rt)
	if _, err := v.Collect(rt.Context(), source, keep, older, w.now); err != nil {
		rt.Fatal(err)
	}
	after := w.list(rt)
	for i, m := range before {
		if i < keep || w.now.Sub(m.At) < older {
			if !slices.ContainsFunc(after, func(n checkpoint.Manifest) bool { return n.Name() == m.Name() }) {
				rt.Errorf("the manifest at %d of %v is gone: keep %d, older %v, now %v", m.Next, m.At, keep, older, w.now)
			}
		}
	}
}

func (w *world) list(rt *rapid.T) []checkpoint.Manifest {
	list, err := w.other.Manifests(rt.Context(), source)
	if err != nil {
		rt.Fatal(err)
	}
	return list
}

func (w *world) check(rt *rapid.T) {
	for _, m := range w.list(rt) {
		if err := w.other.Verify(rt.Context(), m, nil); err != nil {
			rt.Error(err)
		}
	}
}
