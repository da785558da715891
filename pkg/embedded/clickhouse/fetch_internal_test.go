package clickhouse

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeNPM puts a shell script named npm first in the PATH and returns the file in which it counts its calls.
func fakeNPM(t *testing.T, script string) (calls string) {
	t.Helper()
	bin := t.TempDir()
	calls = filepath.Join(bin, "calls")
	text := "#!/bin/sh\necho \"$@\" >> " + calls + "\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(bin, "npm"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	return calls
}

// tarball is a package with one library, and its checksum.
func tarball(t *testing.T, library, content string) (path, integrity string) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range map[string]string{"package/package.json": "{}", "package/" + library: content} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = w.Close(), z.Close()
	path = filepath.Join(t.TempDir(), "engine.tgz")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum512(b.Bytes())
	return path, "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Ensure that a download whose bytes are wrong is fetched again, once, from an empty cache.
func TestBrokenDownload(t *testing.T) {
	path, integrity := tarball(t, "libchdb.so", "engine text")
	e := engine{name: "@x/engine", library: "libchdb.so", integrity: integrity}
	once := filepath.Join(t.TempDir(), "once")
	calls := fakeNPM(t, "[ -e "+once+" ] && { "+copyTo(path)+"; exit; }; touch "+once+"; echo broken > \"$4\"/engine.tgz")
	lib, err := e.fetch(t.Context(), t.TempDir(), func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(lib); err != nil || string(b) != "engine text" {
		t.Errorf("the library holds %q: %v", b, err)
	}
	b, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	caches := map[string]bool{}
	for _, c := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		_, cache, _ := strings.Cut(c, "--cache ")
		caches[cache] = true
	}
	if len(caches) != 2 {
		t.Errorf("%d calls with caches of their own, want 2:\n%s", len(caches), b)
	}
}

// copyTo is a fake npm pack: its fourth argument is the folder.
func copyTo(path string) string { return "cp " + path + " \"$4\"/engine.tgz" }

func TestFetch(t *testing.T) {
	path, integrity := tarball(t, "libchdb.so", "engine text")
	calls := fakeNPM(t, copyTo(path))
	dir := t.TempDir()
	e := engine{name: "@x/engine", library: "libchdb.so", integrity: integrity, size: 100}
	var last, total int64
	fetch := func() string {
		lib, err := e.fetch(t.Context(), dir, func(d, n int64) { last, total = d, n })
		if err != nil {
			t.Fatal(err)
		}
		return lib
	}
	count := func() int {
		b, _ := os.ReadFile(calls)
		return bytes.Count(b, []byte("pack @x/engine@"+Version))
	}
	lib := fetch()
	if b, err := os.ReadFile(lib); err != nil || string(b) != "engine text" {
		t.Fatalf("the library holds %q: %v", b, err)
	}
	if last == 0 || last != total {
		t.Errorf("progress ended at %d of %d", last, total)
	}
	if fetch(); count() != 1 {
		t.Errorf("a complete copy was fetched again: %d calls", count())
	}
	for name, damage := range map[string]func() error{
		"cut":          func() error { return os.Truncate(lib, 3) },
		"gone":         func() error { return os.Remove(lib) },
		"never marked": func() error { return os.Remove(marker(lib)) },
	} {
		before := count()
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if fetch(); count() != before+1 {
			t.Errorf("library %s: %d calls, expected %d", name, count(), before+1)
		}
		if b, _ := os.ReadFile(lib); string(b) != "engine text" {
			t.Errorf("library %s: fetched %q", name, b)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "fetch-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFetchErrors(t *testing.T) {
	path, integrity := tarball(t, "libchdb.so", "engine text")
	good := engine{name: "@x/engine", library: "libchdb.so", integrity: integrity}
	for name, c := range map[string]struct {
		script string
		e      engine
		want   string
	}{
		"other bytes": {copyTo(path), engine{name: "@x/engine", library: "libchdb.so", integrity: "sha512-x"}, "has the checksum sha512-"},
		"not in it":   {copyTo(path), engine{name: "@x/engine", library: "other.so", integrity: integrity}, "holds no package/other.so"},
		"no network":  {"echo 'npm error code ENOTFOUND' >&2; exit 1", good, "check the network"},
		"no space":    {"echo 'npm error code ENOSPC' >&2; exit 1", good, "no space for the engine"},
		"not there":   {"echo 'npm error code E404' >&2; exit 1", good, "does not have the engine @x/engine@"},
		"else":        {"echo 'npm error strange' >&2; exit 3", good, "npm error strange"},
		"nothing":     {"exit 0", good, "packed 0 files"},
	} {
		t.Run(name, func(t *testing.T) {
			fakeNPM(t, c.script)
			dir := t.TempDir()
			_, err := c.e.fetch(t.Context(), dir, func(int64, int64) {})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, expected %q", err, c.want)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "fetch-*")); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	t.Run("no npm", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := good.fetch(t.Context(), t.TempDir(), func(int64, int64) {})
		if want := "npm is missing: install Node.js with npm, or set TRIBUTARY_ENGINE to the path of libchdb.so"; err == nil || err.Error() != want {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		fakeNPM(t, "exec sleep 60")
		ctx, cancel := context.WithCancel(t.Context())
		_, err := good.fetch(ctx, t.TempDir(), func(int64, int64) { cancel() })
		if err == nil || !strings.Contains(err.Error(), "context canceled") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("checksum of the registry", func(t *testing.T) {
		fakeNPM(t, "if [ $1 = view ]; then echo "+integrity+"; else "+copyTo(path)+"; fi")
		e := engine{name: "@x/engine", library: "libchdb.so"}
		if _, err := e.fetch(t.Context(), t.TempDir(), func(int64, int64) {}); err != nil {
			t.Error(err)
		}
	})
}
