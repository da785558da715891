package checkpoint

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Upload puts what the bucket lacks of the files in dir, then the manifest, and tells how many bytes it moved. dir must not change
// meanwhile. A crash on the way leaves what was restorable so; calling it again goes on where it stopped.
//
// previous is the last manifest of this lineage, or nil: a file that never changes under its name (.sst, .blob) and has the name and
// size of one of its files is not read again. Where a manifest of this place and lineage stands, it is returned, and nothing is
// uploaded: one log has one state at one place. If it is of another log, that is an error.
func (v *Vault) Upload(ctx context.Context, dir string, s Source, p Point, lineage string, previous *Manifest) (Manifest, int64, error) {
	p.At = p.At.UTC().Round(0)
	m := Manifest{Version: version, Source: s, Point: p, Lineage: lineage}
	if err := m.check(); err != nil {
		return Manifest{}, 0, fmt.Errorf("upload %s: %w", dir, err)
	}
	until := time.Now().Round(0).Add(uploadLimit) // by the wall's clock, which goes on while the machine sleeps
	ctx, cancel := context.WithDeadlineCause(ctx, until, errTooLong)
	defer cancel()
	u := &upload{vault: v, dir: dir, m: m, now: v.now(), stamp: stamp()}
	done, err := u.run(ctx, previous, until)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
			err = errors.Join(err, cause)
		}
		return Manifest{}, u.moved.Load(), fmt.Errorf("upload %s as %s: %w", dir, m.Name(), err)
	}
	return done, u.moved.Load(), nil
}

var errTooLong = fmt.Errorf("it took longer than %v: what it counts on may be collected; start again, which continues it", uploadLimit)

// stamp ends the names of one upload's objects, so that none comes back: a collection that still means to delete the old
// one must not meet a new one.
func stamp() string {
	b := make([]byte, stampDigits/2)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// upload is one under way.
type upload struct {
	vault *Vault
	dir   string
	m     Manifest
	now   time.Time
	stamp string
	there map[string]int64  // sizes of this lineage's objects in the bucket
	young map[string]object // those that stay until we are done because they are young, by name without stamp
	named map[string]File   // files of a manifest that stays until then, by name
	moved atomic.Int64
}

func (u *upload) run(ctx context.Context, previous *Manifest, until time.Time) (Manifest, error) {
	if standing, err := u.standing(ctx); !errors.Is(err, errAbsent) {
		return standing, err
	}
	if err := u.look(ctx, previous); err != nil {
		return Manifest{}, err
	}
	if err := u.files(ctx); err != nil {
		return Manifest{}, err
	}
	b, err := json.MarshalIndent(u.m, "", " ")
	if err != nil {
		return Manifest{}, err
	}
	if time.Now().Round(0).After(until) {
		return Manifest{}, errTooLong
	}
	err = u.vault.put(ctx, u.m.Name(), func(w io.Writer) error { _, err := w.Write(b); return err }, true)
	if errors.Is(err, errExists) { // a twin was faster
		return u.standing(ctx)
	}
	u.moved.Add(int64(len(b)))
	return u.m, err
}

// standing is the manifest that is already there.
func (u *upload) standing(ctx context.Context) (Manifest, error) {
	old, err := u.vault.manifest(ctx, u.m.Name())
	if err == nil && !old.sameState(u.m) {
		err = fmt.Errorf("a checkpoint of another log stands there: topic id %s, last record %d with hash %d", old.TopicID, old.LastOffset, old.LastHash)
	}
	return old, err
}

// look finds out what need not be put.
func (u *upload) look(ctx context.Context, previous *Manifest) error {
	u.there, u.young, u.named = map[string]int64{}, map[string]object{}, map[string]File{}
	for o, err := range u.vault.list(ctx, u.m.objects()+u.m.Lineage+"/") {
		if err != nil {
			return err
		}
		u.there[o.key] = o.size
		if end := len(o.key) - stampDigits - 1; end > 0 && u.now.Sub(o.mod) < fresh {
			u.young[o.key[:end]] = o
		}
	}
	if previous == nil || previous.Lineage != u.m.Lineage || previous.Source != u.m.Source || u.now.Sub(previous.At) >= fresh {
		return nil
	}
	for _, f := range previous.Files {
		if size, ok := u.there[f.Object]; ok && size == f.Size {
			u.named[f.Name] = f
		}
	}
	return nil
}

// files puts them and lists them in the manifest.
func (u *upload) files(ctx context.Context) error {
	entries, err := os.ReadDir(u.dir) // by name
	if err != nil {
		return err
	}
	u.m.Files = make([]File, len(entries))
	tasks, ctx := errgroup.WithContext(ctx)
	tasks.SetLimit(parallel)
	for i, e := range entries {
		info, err := e.Info()
		if err == nil && (!info.Mode().IsRegular() || !fileName(e.Name())) {
			err = fmt.Errorf("%s: a checkpoint has plain files only", e.Name())
		}
		if err != nil {
			return errors.Join(err, tasks.Wait())
		}
		tasks.Go(func() error {
			u.m.Files[i], err = u.file(ctx, e.Name(), info.Size())
			return err
		})
	}
	return tasks.Wait()
}

// file makes sure that a file's bytes are in the bucket.
func (u *upload) file(ctx context.Context, name string, size int64) (File, error) {
	before, ok := u.named[name]
	ok = ok && before.Size == size
	if ext := filepath.Ext(name); ok && (ext == ".sst" || ext == ".blob") {
		return before, nil
	}
	f := File{Name: name, Size: size}
	sum, err := u.copy(ctx, f, io.Discard)
	if err != nil {
		return File{}, err
	}
	f.SHA256 = sum
	if ok && before.SHA256 == sum {
		return before, nil
	}
	if o, ok := u.young[u.m.object(f)]; ok && o.size == size {
		f.Object = o.key
		return f, nil
	}
	f.Object = u.m.object(f) + "-" + u.stamp
	err = u.vault.put(ctx, f.Object, func(w io.Writer) error {
		again, err := u.copy(ctx, f, w)
		if err == nil && again != sum {
			err = fmt.Errorf("%s changed while it was uploaded", name)
		}
		return err
	}, false)
	if err != nil {
		return File{}, fmt.Errorf("put %s: %w", f.Object, err)
	}
	u.moved.Add(size)
	return f, nil
}

// copy copies a file of the checkpoint and gives its hash.
func (u *upload) copy(ctx context.Context, f File, to io.Writer) (string, error) {
	from, err := os.Open(filepath.Join(u.dir, f.Name))
	if err != nil {
		return "", err
	}
	defer from.Close()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(h, to), &patient{ctx, io.LimitReader(from, f.Size+1)})
	if err == nil && n != f.Size {
		err = fmt.Errorf("%s changed while it was uploaded", f.Name)
	}
	return hex.EncodeToString(h.Sum(nil)), err
}

// patient is a reader that stops when its context ends.
type patient struct {
	ctx  context.Context
	from io.Reader
}

func (p *patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.from.Read(b)
}
