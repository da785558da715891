package clickhouse

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Version of the engine's package.
const Version = "26.7.3-stable.1"

// engine is the package for one platform.
type engine struct {
	name    string // npm package
	library string // file in it
	// integrity is the tarball's, as npm writes it. Empty: not known here, so npm's own record of it counts.
	integrity string
	// size of the tarball; 0: not known.
	size int64
}

// engines by GOOS/GOARCH. Only the first could be looked up where this was written.
var engines = map[string]engine{
	"linux/amd64": {"@chdb/lib-linux-x64-gnu", "libchdb.so",
		"sha512-XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw==", 177817999},
	"linux/arm64":  {"@chdb/lib-linux-arm64-gnu", "libchdb.so", "", 0},
	"darwin/arm64": {"@chdb/lib-darwin-arm64", "libchdb.so", "", 0},
	"darwin/amd64": {"@chdb/lib-darwin-x64", "libchdb.so", "", 0},
}

// Fetch makes the engine's library present under dir and returns its path. It downloads with npm, once: a complete
// copy is found again, a broken one is replaced. progress, if not nil, is told of the bytes so far; total is 0 when
// it is not known.
func Fetch(ctx context.Context, dir string, progress func(done, total int64)) (library string, err error) {
	e, ok := engines[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		return "", fmt.Errorf("there is no engine package for %s/%s: run ClickHouse by other means", runtime.GOOS, runtime.GOARCH)
	}
	if progress == nil {
		progress = func(int64, int64) {}
	}
	return e.fetch(ctx, dir, progress)
}

func (e engine) fetch(ctx context.Context, dir string, progress func(done, total int64)) (string, error) {
	home := filepath.Join(dir, Version)
	library := filepath.Join(home, e.library)
	if complete(library) {
		return library, nil
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return "", errors.New("npm is missing: install Node.js with npm, or set TRIBUTARY_ENGINE to the path of libchdb.so")
	}
	if err := os.MkdirAll(home, 0o755); err != nil {
		return "", explain(fmt.Errorf("create the engine's folder: %w", err))
	}
	tmp, err := os.MkdirTemp(dir, "fetch-")
	if err != nil {
		return "", explain(fmt.Errorf("create a folder for the download: %w", err))
	}
	defer os.RemoveAll(tmp)
	tarball, err := e.download(ctx, tmp, progress)
	if err != nil {
		return "", err
	}
	fresh := filepath.Join(tmp, e.library)
	// Packages for macOS name it either way.
	names := []string{"package/" + e.library, "package/" + strings.TrimSuffix(e.library, ".so") + ".dylib"}
	if err := extract(tarball, fresh, names...); err != nil {
		return "", explain(fmt.Errorf("unpack the engine: %w", err))
	}
	if err := install(fresh, library); err != nil {
		return "", explain(fmt.Errorf("install the engine: %w", err))
	}
	return library, nil
}

// errBroken says that other bytes came than the pinned ones.
var errBroken = errors.New("the download is broken")

// download fetches the tarball, and once more if what came is broken.
func (e engine) download(ctx context.Context, tmp string, progress func(done, total int64)) (tarball string, err error) {
	for range 2 {
		var dir string
		// A folder for each try: nothing of a broken download may be found in npm's cache again.
		if dir, err = os.MkdirTemp(tmp, "try-"); err != nil {
			return "", explain(fmt.Errorf("create a folder for the download: %w", err))
		}
		if tarball, err = e.pack(ctx, dir, progress); err != nil {
			return "", err
		}
		if err = e.verify(ctx, dir, tarball); !errors.Is(err, errBroken) {
			return tarball, err
		}
		if rerr := os.RemoveAll(dir); rerr != nil {
			return "", fmt.Errorf("remove a broken download: %w", rerr)
		}
	}
	return "", err
}

// pack downloads the tarball. npm's cache is in tmp too: its growth is the progress, and nothing stays elsewhere.
func (e engine) pack(ctx context.Context, tmp string, progress func(done, total int64)) (string, error) {
	cmd := npm(ctx, tmp, "pack", e.name+"@"+Version, "--pack-destination", tmp)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	done := make(chan error, 1)
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start npm: %w", err)
	}
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			n := treeSize(tmp)
			if e.size > 0 {
				n = min(n, e.size) // the cache and the tarball overlap at the end
			}
			progress(n, e.size)
			continue
		case err := <-done:
			if err != nil {
				return "", npmError(ctx, e.name, err, stderr.String())
			}
		}
		break
	}
	found, err := filepath.Glob(filepath.Join(tmp, "*.tgz"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("npm packed %d files instead of one: try again", len(found))
	}
	if info, err := os.Stat(found[0]); err == nil {
		progress(info.Size(), info.Size())
	}
	return found[0], nil
}

func npm(ctx context.Context, tmp string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "npm", append(args, "--cache", filepath.Join(tmp, "cache"), "--loglevel", "error", "--no-update-notifier")...)
	cmd.Dir = tmp // away from any project's package.json
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// npmError makes one sentence of npm's pages.
func npmError(ctx context.Context, name string, err error, stderr string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("fetch the engine: %w", context.Cause(ctx))
	}
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(stderr, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("ENOSPC"):
		return explain(syscall.ENOSPC)
	case has("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "network"):
		return fmt.Errorf("npm reached no registry for the engine %s: check the network or npm's proxy, or set TRIBUTARY_ENGINE to the path of libchdb.so", name)
	case has("E404"):
		return fmt.Errorf("npm's registry does not have the engine %s@%s: set TRIBUTARY_ENGINE to the path of libchdb.so", name, Version)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
	return fmt.Errorf("npm could not fetch the engine %s: %s: %w", name, line, err)
}

// verify compares the tarball with the pinned checksum, or else with the one that npm's registry gives.
func (e engine) verify(ctx context.Context, tmp, tarball string) error {
	want := e.integrity
	if want == "" {
		out, err := npm(ctx, tmp, "view", e.name+"@"+Version, "dist.integrity").Output()
		if err != nil {
			return fmt.Errorf("ask npm for the engine's checksum: %w", err)
		}
		want = strings.TrimSpace(string(out))
	}
	f, err := os.Open(tarball)
	if err != nil {
		return fmt.Errorf("check the engine's download: %w", err)
	}
	defer f.Close()
	h := sha512.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("check the engine's download: %w", err)
	}
	if got := "sha512-" + base64.StdEncoding.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("%w: %s has the checksum %s, expected %s: something between here and npm's registry changes it; set TRIBUTARY_ENGINE to the path of a good libchdb.so", errBroken, e.name, got, want)
	}
	return nil
}

// explain adds what to do about a full disk.
func explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("no space for the engine: it needs 1.1 GB while it is fetched and 0.6 GB after: %w", err)
	}
	return err
}

// marker is written last and holds the library's size.
func marker(library string) string { return library + ".complete" }

func complete(library string) bool {
	text, err := os.ReadFile(marker(library))
	if err != nil {
		return false
	}
	info, err := os.Stat(library)
	return err == nil && strings.TrimSpace(string(text)) == strconv.FormatInt(info.Size(), 10)
}

func treeSize(dir string) (n int64) {
	// Files come and go under the walk; the sum is only for the eye.
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}
