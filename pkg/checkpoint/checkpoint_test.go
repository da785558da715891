package checkpoint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/checkpoint"
)

// Ensure that a store comes back with every key, that a later upload moves only what is new, and that progress grows to its end.
func TestRoundTrip(t *testing.T) {
	v := vault(t, "file://"+filepath.Join(t.TempDir(), "bucket"))
	s := full(t, t.TempDir(), 1000, "a", 20_000)
	first, moved := upload(t, v, s, noon, nil)
	if moved < first.Size() {
		t.Errorf("the first upload moved %d of %d bytes", moved, first.Size())
	}
	was := content(t, s)
	fill(t, s, 1001, "b", 10, 100)
	second, moved := upload(t, v, s, noon.Add(time.Minute), &first)
	if kept := tables(first); kept == 0 || moved > second.Size()-kept+int64(len(second.Files)*400) {
		t.Errorf("the second upload moved %d of %d bytes, though %d lie in tables that were there", moved, second.Size(), kept)
	}
	for _, c := range []struct {
		m    checkpoint.Manifest
		want string
	}{{first, was}, {second, content(t, s)}} {
		dir := filepath.Join(t.TempDir(), "restored")
		last, total := int64(-1), int64(0)
		err := v.Restore(t.Context(), c.m, dir, func(done, all int64) {
			if done < last {
				t.Errorf("progress went from %d to %d", last, done)
			}
			last, total = done, all
		})
		if err != nil {
			t.Fatal(err)
		}
		if last != total || total != c.m.Size() {
			t.Errorf("progress ended at %d of %d; the manifest has %d bytes", last, total, c.m.Size())
		}
		if got := content(t, store(t, dir)); got != c.want {
			t.Errorf("restored %d bytes of keys and values that differ from the %d uploaded", len(got), len(c.want))
		}
	}
	if got := manifests(t, v); len(got) != 2 || got[0].Name() != second.Name() || got[1].Name() != first.Name() {
		t.Errorf("manifests: %v", got)
	}
}

// tables is the size of a checkpoint's tables.
func tables(m checkpoint.Manifest) (n int64) {
	for _, f := range m.Files {
		if strings.HasSuffix(f.Name, ".sst") {
			n += f.Size
		}
	}
	return n
}

// Ensure that two owners who restored one manifest and went on with different data both upload, and both come back as they were.
func TestDoubleRestore(t *testing.T) {
	v := vault(t, filepath.Join(t.TempDir(), "bucket"))
	s := full(t, t.TempDir(), 10, "a", 2000)
	base, _ := upload(t, v, s, noon, nil)
	left, right := full(t, restore(t, v, base), 20, "left", 2000), full(t, restore(t, v, base), 20, "right", 2000)
	if l, r := left.Lineage(), right.Lineage(); l == r || l == s.Lineage() || r == s.Lineage() {
		t.Fatalf("lineages: %s, %s, %s", s.Lineage(), l, r)
	}
	lm, _ := upload(t, v, left, noon.Add(time.Minute), &base)
	rm, _ := upload(t, v, right, noon.Add(time.Minute), &base)
	if !sameNames(lm, rm) {
		t.Error("no table has one name in both and two contents: the test tests nothing")
	}
	for _, c := range []struct {
		m    checkpoint.Manifest
		want string
	}{{lm, content(t, left)}, {rm, content(t, right)}, {base, content(t, s)}} {
		if got := content(t, store(t, restore(t, v, c.m))); got != c.want {
			t.Errorf("%s came back with other keys or values", c.m.Name())
		}
	}
}

// sameNames tells whether a table's name stands for different contents.
func sameNames(a, b checkpoint.Manifest) bool {
	for _, f := range a.Files {
		for _, g := range b.Files {
			if f.Name == g.Name && strings.HasSuffix(f.Name, ".sst") && f.SHA256 != g.SHA256 {
				return true
			}
		}
	}
	return false
}

// Ensure that a file that may change under its name is read again, and one that may not is not.
func TestWhatIsReadAgain(t *testing.T) {
	v := vault(t, t.TempDir())
	now := time.Now()
	first, _, err := v.Upload(t.Context(), files(t, map[string]string{"1.sst": "table", "2.log": "one", "3": "same"}), source, at(1, now), id("a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := v.Upload(t.Context(), files(t, map[string]string{"1.sst": "TABLE", "2.log": "two", "3": "same"}), source, at(2, now), id("a"), &first)
	if err != nil {
		t.Fatal(err)
	}
	for i, same := range []bool{true, false, true} {
		if (first.Files[i] == second.Files[i]) != same {
			t.Errorf("%v became %v", first.Files[i], second.Files[i])
		}
	}
	dir := restore(t, v, second)
	for name, want := range map[string]string{"1.sst": "table", "2.log": "two", "3": "same"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	other, _, err := v.Upload(t.Context(), files(t, map[string]string{"1.sst": "TABLE"}), source, at(2, now), id("b"), &first)
	if err != nil || other.Files[0].SHA256 == first.Files[0].SHA256 {
		t.Errorf("another lineage took over %v, %v", other.Files, err)
	}
}
