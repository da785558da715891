package demo

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/tributary-data/tributary/services/tributary/stack"
)

// needFree is the room that a run takes on disk, in bytes, with a reserve.
const needFree = 1 << 30

// makeDir makes the folder of this run, after it has offered to delete those of earlier ones.
func (r *runner) makeDir() error {
	if r.dir = r.config.Dir; r.dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return fmt.Errorf("no home folder for the data, use --dir: %w%w", err, stack.ErrSettings)
		}
		all := filepath.Join(home, ".local", "share", "tributary", "demo")
		if err := r.offer(all, os.Stdin); err != nil {
			return err
		}
		r.dir = filepath.Join(all, r.began.Format("20060102-150405"))
	}
	if err := r.empty(); err != nil {
		return err
	}
	_, err := os.Stat(r.dir)
	r.made = errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the demo's folder: choose another with --dir: %w", err)
	}
	if err = roomIn(r.dir, needFree); err != nil && r.made {
		_ = os.Remove(r.dir) // we made it; want of space is what counts
	}
	return err
}

// empty refuses a folder that holds an earlier run: its events would be repeats of ours. With --prune it removes that run.
func (r *runner) empty() error {
	if _, err := os.Stat(filepath.Join(r.dir, "kafka")); err != nil {
		return nil // none is there, or MkdirAll will tell what is wrong
	}
	if !r.config.Prune {
		return fmt.Errorf("%s holds an earlier run: choose an empty --dir, or delete it with --prune%w", r.dir, stack.ErrSettings)
	}
	lock, err := stack.Lock(r.dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	return stack.Reset(r.dir)
}

// roomIn tells whether there is room for a run.
func roomIn(dir string, need uint64) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("ask for free space in %s: %w", dir, err)
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < need {
		return fmt.Errorf("%s has %d MB free, the demo needs %d: free some, or use --dir", dir, free>>20, need>>20)
	}
	return nil
}

// offer deletes the folders of earlier runs if it may: with --prune, or when a person at a terminal says so. Otherwise it says
// what they take.
func (r *runner) offer(all string, in io.Reader) error {
	old, size, err := oldRuns(all)
	if err != nil || len(old) == 0 {
		return err
	}
	what := fmt.Sprintf("%d folders of earlier demos take %d MB in %s", len(old), size>>20, all)
	switch {
	case r.config.Prune:
	case r.terminal() && isTerminal(in):
		fmt.Fprintf(r.out, "%s. Delete them? [y/N] ", what)
		answer, err := bufio.NewReader(in).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read your answer: %w", err)
		}
		if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
			return nil
		}
	default:
		r.say("%s; --prune deletes them", what)
		return nil
	}
	for _, dir := range old {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("delete an earlier demo's folder: %w", err)
		}
	}
	r.say("deleted %d folders of earlier demos, %d MB", len(old), size>>20)
	return nil
}

// oldRuns are the folders of earlier runs that nobody uses any more, and their size in bytes.
func oldRuns(all string) (dirs []string, size int64, err error) {
	found, err := os.ReadDir(all)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("look for earlier demos: %w", err)
	}
	for _, d := range found {
		dir := filepath.Join(all, d.Name())
		lock, err := stack.Lock(dir)
		if err != nil {
			continue // it runs, or is none of ours
		}
		if err := lock.Close(); err != nil {
			return nil, 0, fmt.Errorf("look at an earlier demo: %w", err)
		}
		dirs = append(dirs, dir)
		size += sizeOf(dir)
	}
	return dirs, size, nil
}

// sizeOf a folder; what cannot be read counts for nothing.
func sizeOf(dir string) (n int64) {
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
