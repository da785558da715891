package checkpoint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/checkpoint"
)

// Ensure that an address that does not open says what to do.
func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"":                         "give a folder, file:///folder, s3://bucket?region=… or gs://bucket",
		"file://relative/folder":   "a folder's address is file:// and its whole path",
		"file:///tmp/x?create_dir": "nothing behind it",
		"azblob://bucket":          "azblob is not known: use a folder",
		"s3://bucket":              "built without s3: build it with -tags cloud",
		"gs://bucket":              "built without gs",
		file + "/below":            "use a folder that may be written",
	} {
		if v, err := checkpoint.Open(t.Context(), address); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v", address, v, err)
		}
	}
}

// Ensure that what lies in a folder is readable by the tools that people have: a file for each object, and nothing beside.
func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "anew")
	v := vault(t, "file://"+dir)
	if err := v.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	m, _, err := v.Upload(t.Context(), files(t, map[string]string{"1.sst": "x"}), source, at(1, noon), id("a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			got = append(got, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil || len(got) != 2 || got[0] != m.Name() || got[1] != m.Files[0].Object {
		t.Errorf("in the folder: %q, %v", got, err)
	}
}
