package checkpoint_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/checkpoint"
)

// id makes a lineage.
func id(of string) string { return strings.Repeat(of, 32) }

// Ensure that one place and lineage has one manifest: the same state again is that one, another log is refused.
func TestManifestIsWrittenOnce(t *testing.T) {
	v := vault(t, t.TempDir())
	send := func(text string, s checkpoint.Source, p checkpoint.Point) (checkpoint.Manifest, int64, error) {
		return v.Upload(t.Context(), files(t, map[string]string{"1.sst": text}), s, p, id("a"), nil)
	}
	m, _, err := send("one", source, at(7, noon))
	if err != nil {
		t.Fatal(err)
	}
	again, moved, err := send("in other files", source, at(7, noon.Add(time.Hour)))
	if err != nil || moved != 0 || !reflect.DeepEqual(again, m) {
		t.Errorf("again: %v, %d bytes moved, %v", err, moved, again)
	}
	otherHash, otherTopic := at(7, noon), source
	otherHash.LastHash++
	otherTopic.TopicID = id("f")
	for _, c := range []struct {
		s checkpoint.Source
		p checkpoint.Point
	}{{source, otherHash}, {otherTopic, at(7, noon)}} {
		if _, _, err := send("one", c.s, c.p); err == nil || !strings.Contains(err.Error(), "a checkpoint of another log stands there") {
			t.Errorf("another log: %v", err)
		}
	}
	if got := manifests(t, v); len(got) != 1 || !reflect.DeepEqual(got[0], m) {
		t.Errorf("manifests: %v", got)
	}
}

// Ensure that a manifest that cannot be read is told of, and does not hide the others.
func TestUnreadableManifest(t *testing.T) {
	v := vault(t, t.TempDir())
	m, _, err := v.Upload(t.Context(), files(t, map[string]string{"1.sst": "x"}), source, at(1, noon), id("a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(v.Folder(), filepath.FromSlash(m.Name()))
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.Replace(m.Name(), "1-", "2-", 1)
	for text, want := range map[string]string{
		string(b):               "it says that it is " + m.Name(),
		string(b[:len(b)/2]):    "unexpected EOF",
		string(b) + "{}":        "something follows",
		`{"version": 2}`:        "format 2, this program reads 1",
		`{"version": 1}`:        "stage",
		strings.Repeat(" ", 10): "EOF",
	} {
		if err := os.WriteFile(filepath.Join(v.Folder(), filepath.FromSlash(name)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := v.Manifests(t.Context(), source)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", want, err)
		}
		if len(got) != 1 || got[0].Name() != m.Name() {
			t.Errorf("%s: the others: %v", want, got)
		}
		c, err := v.Collect(t.Context(), source, 1, checkpoint.MinAge, time.Now().Add(1000*time.Hour))
		if err == nil || c != (checkpoint.Collected{}) {
			t.Errorf("%s: collected %v, %v", want, c, err)
		}
	}
}

// Ensure that what cannot be a checkpoint is not uploaded.
func TestUploadRefuses(t *testing.T) {
	v := vault(t, t.TempDir())
	folder := files(t, nil)
	if err := os.Mkdir(filepath.Join(folder, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	with := func(f func(*checkpoint.Source)) checkpoint.Source { s := source; f(&s); return s }
	for _, c := range []struct {
		dir     string
		s       checkpoint.Source
		p       checkpoint.Point
		lineage string
		want    string
	}{
		{folder, source, at(1, noon), id("a"), "sub: a checkpoint has plain files only"},
		{files(t, map[string]string{".hidden": ""}), source, at(1, noon), id("a"), "plain files only"},
		{t.TempDir() + "/none", source, at(1, noon), id("a"), "no such file"},
		{files(t, nil), source, at(1, noon), "../x", "is not of 32 hex digits"},
		{files(t, nil), source, checkpoint.Point{Next: 3, LastOffset: 3}, id("a"), "last offset 3 with next offset 3"},
		{files(t, nil), with(func(s *checkpoint.Source) { s.Stage = "decision" }), at(1, noon), id("a"), `stage "decision"`},
		{files(t, nil), with(func(s *checkpoint.Source) { s.Stage = "a/b" }), at(1, noon), id("a"), `stage "a/b"`},
		{files(t, nil), with(func(s *checkpoint.Source) { s.Partition = 12 }), at(1, noon), id("a"), "partition 12 of 12"},
		{files(t, nil), with(func(s *checkpoint.Source) { s.TopicID = "" }), at(1, noon), id("a"), "lower-case hex are needed"},
	} {
		if _, _, err := v.Upload(t.Context(), c.dir, c.s, c.p, c.lineage, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.want, err)
		}
	}
	if got := manifests(t, v); len(got) != 0 {
		t.Errorf("manifests: %v", got)
	}
}

func TestDecisions(t *testing.T) {
	v := vault(t, t.TempDir())
	ctx := t.Context()
	if _, err := v.Decision(ctx, "accept-gap/visitor/3"); !errors.Is(err, checkpoint.ErrNoDecision) {
		t.Errorf("none: %v", err)
	}
	for _, name := range []string{"accept-gap/visitor/3", "accept-gap/visitor/4", "other"} {
		for range 2 { // the same again is no error
			if err := v.Decide(ctx, name, []byte("from 7 to 9")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := v.Decide(ctx, "accept-gap/visitor/3", []byte("from 7 to 10")); !errors.Is(err, checkpoint.ErrDecided) {
		t.Errorf("otherwise: %v", err)
	}
	if b, err := v.Decision(ctx, "accept-gap/visitor/3"); err != nil || string(b) != "from 7 to 9" {
		t.Errorf("got %q, %v", b, err)
	}
	if got, err := v.Decisions(ctx, "accept-gap/"); err != nil || !reflect.DeepEqual(got, []string{"accept-gap/visitor/3", "accept-gap/visitor/4"}) {
		t.Errorf("names: %v, %v", got, err)
	}
	for _, name := range []string{"", "../x", "a//b", "a/", ".x", "ä"} {
		if err := v.Decide(ctx, name, nil); err == nil {
			t.Errorf("the name %q passed", name)
		}
	}
}

// FuzzManifest ensures that what is read as a manifest names no file outside of its folder, and reads back as itself.
func FuzzManifest(f *testing.F) {
	v := vault(f, f.TempDir())
	m, _, err := v.Upload(f.Context(), files(f, map[string]string{"1.sst": "x", "OPTIONS-2": ""}), source, at(1, noon), id("a"), nil)
	if err != nil {
		f.Fatal(err)
	}
	b, err := json.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	for _, evil := range []string{"../1.sst", "/1.sst", `..\\1.sst`, "..", ".", "", "a/1.sst"} {
		f.Add([]byte(strings.ReplaceAll(string(b), "1.sst", evil)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var claims checkpoint.Manifest
		if json.Unmarshal(b, &claims) != nil {
			return
		}
		m, err := checkpoint.Decode(claims.Name(), b)
		if err != nil {
			return
		}
		for _, f := range m.Files {
			if f.Name == "." || filepath.Base(f.Name) != f.Name || !filepath.IsLocal(f.Name) || strings.ContainsAny(f.Name, `/\`) {
				t.Errorf("file %q", f.Name)
			}
			if !filepath.IsLocal(f.Object) || f.Size < 0 {
				t.Errorf("object %q of %d bytes", f.Object, f.Size)
			}
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if o, err := checkpoint.Decode(m.Name(), again); err != nil || !reflect.DeepEqual(o, m) {
			t.Errorf("read back %v, %v; was %v", o, err, m)
		}
	})
}
