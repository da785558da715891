package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
)

// restoring is what a folder's name ends in until it is whole.
const restoring = ".restoring"

// Restore fetches a checkpoint into dir, which must not exist: into dir + ".restoring" first, where what an attempt before left is
// deleted, and renamed when every file's size and hash are right and all of it is on the disk. progress, if not nil, is called with
// growing numbers of bytes, by one goroutine at a time; the last call has done = total. With an error that is ErrDamaged, an
// earlier manifest can be used.
func (v *Vault) Restore(ctx context.Context, m Manifest, dir string, progress func(done, total int64)) (err error) {
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = errors.New("it exists: move it away first, or start from it")
		}
		return fmt.Errorf("restore into %s: %w", dir, err)
	}
	part := dir + restoring
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("restore %s into %s: %w", m.Name(), dir, err), os.RemoveAll(part))
		}
	}()
	if err := errors.Join(os.RemoveAll(part), os.MkdirAll(part, 0o755)); err != nil {
		return err
	}
	err = v.fetch(ctx, m, progress, func(f File) (io.WriteCloser, error) {
		file, err := os.OpenFile(filepath.Join(part, f.Name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		return synced{file}, err
	})
	if err != nil {
		return err
	}
	if err := errors.Join(syncDir(part), os.Rename(part, dir)); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// Verify reads a checkpoint and checks what Restore checks, without writing it anywhere.
func (v *Vault) Verify(ctx context.Context, m Manifest, progress func(done, total int64)) error {
	err := v.fetch(ctx, m, progress, func(File) (io.WriteCloser, error) { return nowhere{io.Discard}, nil })
	if err != nil {
		return fmt.Errorf("verify %s: %w", m.Name(), err)
	}
	return nil
}

// synced is a file that is on the disk once it is closed.
type synced struct{ *os.File }

func (s synced) Close() error { return errors.Join(s.Sync(), s.File.Close()) }

type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }

// fetch reads every file of a checkpoint, a few at a time.
func (v *Vault) fetch(ctx context.Context, m Manifest, progress func(done, total int64), open func(File) (io.WriteCloser, error)) error {
	if err := m.check(); err != nil {
		return err
	}
	c := &counter{total: m.Size(), tell: progress}
	c.add(0)
	tasks, ctx := errgroup.WithContext(ctx)
	tasks.SetLimit(parallel)
	for _, f := range m.Files {
		tasks.Go(func() error {
			w, err := open(f)
			if err != nil {
				return err
			}
			if err := errors.Join(v.fetchFile(ctx, f, io.MultiWriter(w, c)), w.Close()); err != nil {
				return fmt.Errorf("object %s: %w", f.Object, err)
			}
			return nil
		})
	}
	return tasks.Wait()
}

const useEarlier = "an earlier manifest can be used"

func (v *Vault) fetchFile(ctx context.Context, f File, to io.Writer) error {
	return v.watched("get", f.Object, func() error {
		r, err := v.bucket.NewReader(ctx, f.Object, nil)
		if err = known(err); errors.Is(err, errAbsent) {
			return fmt.Errorf("%w: %w; %s", ErrDamaged, err, useEarlier)
		} else if err != nil {
			return err
		}
		defer r.Close()
		if r.Size() != f.Size {
			return fmt.Errorf("%w: it has %d bytes, not %d; %s", ErrDamaged, r.Size(), f.Size, useEarlier)
		}
		h := sha256.New()
		n, err := io.Copy(io.MultiWriter(h, to), io.LimitReader(&patient{ctx, r}, f.Size))
		if err != nil {
			return err
		}
		if sum := hex.EncodeToString(h.Sum(nil)); n != f.Size || sum != f.SHA256 {
			return fmt.Errorf("%w: its %d bytes have another hash than when they were uploaded; %s", ErrDamaged, n, useEarlier)
		}
		return nil
	})
}

// counter adds up what came.
type counter struct {
	mu          sync.Mutex
	done, total int64
	tell        func(done, total int64)
}

func (c *counter) Write(b []byte) (int, error) {
	c.add(int64(len(b)))
	return len(b), nil
}

func (c *counter) add(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done += n
	if c.tell != nil {
		c.tell(c.done, c.total)
	}
}
