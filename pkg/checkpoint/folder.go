package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// folder is a bucket in the file system. It writes by itself: the library's driver does not sync, and its write-once looks first
// and renames then, which two processes can do at once.
type folder string

// unfinished is where files lie until they are whole; no object's name starts so.
const unfinished = ".unfinished"

func (f folder) path(key string) string { return filepath.Join(string(f), filepath.FromSlash(key)) }

// put writes a file durably: it is there whole, or not.
func (f folder) put(ctx context.Context, key string, content func(io.Writer) error, once bool) error {
	target := f.path(key)
	if err := f.room(filepath.Dir(target)); err != nil {
		return err
	}
	if err := f.room(f.path(unfinished)); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(f.path(unfinished), "*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if err := errors.Join(content(tmp), tmp.Chmod(0o644), tmp.Sync(), tmp.Close(), ctx.Err()); err != nil {
		return err
	}
	if !once {
		err = os.Rename(tmp.Name(), target)
	} else if err = os.Link(tmp.Name(), target); errors.Is(err, fs.ErrExist) {
		return errExists
	}
	if err != nil {
		return fmt.Errorf("%w (the folder's file system must know rename and hard links)", err)
	}
	return syncDir(filepath.Dir(target))
}

// room makes a folder of the bucket durable.
func (f folder) room(dir string) error {
	if _, err := os.Stat(dir); err == nil || dir == string(f) {
		return err
	}
	if err := f.room(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// sweep deletes what crashes left unfinished before the given time.
func (f folder) sweep(before time.Time) error {
	list, err := os.ReadDir(f.path(unfinished))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range list {
		info, ierr := e.Info()
		if ierr != nil || !info.ModTime().Before(before) {
			continue // finished in the meantime, or being written
		}
		if rerr := os.Remove(f.path(unfinished + "/" + e.Name())); !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}
	return err
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
