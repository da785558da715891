// Package checkpoint keeps copies of state in a bucket: a folder, S3 or Google Cloud Storage.
//
// It knows folders of files, not what made them. Under <stage>/g<generation>.e<epoch>/<partition>/ lie
//
//	object/<lineage>/<file>-<size>-<sha256>-<stamp>    what the files hold
//	manifest/<next offset>-<lineage>.json              which objects are a checkpoint; written last, and once
//
// and under decision/ what operators decided. An object's name says what it holds, and its lineage whose it is, so that two
// stores restored from one manifest never meet in a name; what a crash leaves without a manifest is nobody's, and
// Collect takes it away.
//
// Upload and Collect need no lock between them. Upload lasts at most 6 hours and counts on an object that it does not put
// itself only if the object, or a manifest that names it, is younger than 6 hours; else it puts another one, with its own
// stamp. Collect leaves alone what is younger than 13 hours (the last one is for clocks that differ), and no name that it
// deletes comes back.
package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

const (
	// uploadLimit is the longest that an upload takes.
	uploadLimit = 6 * time.Hour
	// fresh is the greatest age of what an upload counts on.
	fresh = 6 * time.Hour
	// MinAge is the least age at which Collect deletes anything.
	MinAge = uploadLimit + fresh + time.Hour
	// stampDigits are those of an upload's stamp, hex.
	stampDigits = 16
	// parallel is how many files move at once.
	parallel = 4
	// partBytes is what a writer to a cloud holds in memory, and sends at a time.
	partBytes = 8 << 20
	// smallLimit is the most that a manifest or a decision may have, in bytes.
	smallLimit = 16 << 20
)

// ErrDamaged is in the error of a checkpoint that is not whole: something is missing in the bucket or has changed. Trying again
// does not help; an earlier manifest may.
var ErrDamaged = errors.New("damaged")

// errExists and errAbsent are what a bucket answers to a write-once write and to a read.
var (
	errExists = errors.New("exists already")
	errAbsent = errors.New("is not in the bucket")
)

// Vault is the bucket where checkpoints and operators' decisions lie. Its methods may be called at the same time.
type Vault struct {
	bucket *blob.Bucket
	folder folder // where the bucket is one; empty: elsewhere
	// fault is called before and after each operation on the bucket. Tests fail some.
	fault func(op, key string, done bool) error
	now   func() time.Time
}

// Close closes the bucket. Nothing may be under way.
func (v *Vault) Close() error { return v.bucket.Close() }

// object is one in the bucket.
type object struct {
	key  string
	size int64
	mod  time.Time
}

// watched runs one operation on the bucket.
func (v *Vault) watched(op, key string, do func() error) error {
	if v.fault == nil {
		return do()
	}
	if err := v.fault(op, key, false); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return v.fault(op, key, true)
}

// put writes an object, all of it or nothing. With once it gives errExists where one stands.
func (v *Vault) put(ctx context.Context, key string, content func(io.Writer) error, once bool) error {
	return v.watched("put", key, func() error {
		if v.folder != "" {
			return v.folder.put(ctx, key, content, once)
		}
		// A writer that is closed has written what it has so far, unless its context ended before.
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		w, err := v.bucket.NewWriter(ctx, key, &blob.WriterOptions{
			ContentType: "application/octet-stream",
			IfNotExist:  once,
			BufferSize:  partBytes, MaxConcurrency: 1, // several files go at once; a large one in parts would hold five times this
		})
		if err != nil {
			return known(err)
		}
		if err := content(w); err != nil {
			cancel()
			return errors.Join(known(err), ignored(w.Close()))
		}
		return known(w.Close())
	})
}

// ignored is for the error of closing what failed before.
func ignored(error) error { return nil }

// get reads a small object.
func (v *Vault) get(ctx context.Context, key string) (b []byte, err error) {
	err = v.watched("get", key, func() error {
		r, err := v.bucket.NewReader(ctx, key, nil)
		if err != nil {
			return known(err)
		}
		defer r.Close()
		if b, err = io.ReadAll(io.LimitReader(r, smallLimit+1)); err != nil {
			return known(err)
		}
		if len(b) > smallLimit {
			return fmt.Errorf("has more than %d bytes: %w", smallLimit, ErrDamaged)
		}
		return nil
	})
	return b, err
}

// remove deletes an object; one that is gone is no error.
func (v *Vault) remove(ctx context.Context, key string) error {
	return v.watched("delete", key, func() error {
		if err := known(v.bucket.Delete(ctx, key)); err != nil && !errors.Is(err, errAbsent) {
			return fmt.Errorf("delete %s: %w", key, err)
		}
		return nil
	})
}

// list gives the objects whose names start with prefix, by name.
func (v *Vault) list(ctx context.Context, prefix string) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		if err := v.watched("list", prefix, func() error { return nil }); err != nil {
			yield(object{}, fmt.Errorf("list %s: %w", prefix, err))
			return
		}
		it := v.bucket.List(&blob.ListOptions{Prefix: prefix})
		for {
			o, err := it.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(object{}, fmt.Errorf("list %s: %w", prefix, err))
				return
			}
			if !o.IsDir && !yield(object{key: o.Key, size: o.Size, mod: o.ModTime}, nil) {
				return
			}
		}
	}
}

// known gives an error of the bucket our name where we have one.
func known(err error) error {
	switch gcerrors.Code(err) {
	case gcerrors.OK:
		return nil
	case gcerrors.NotFound:
		return errAbsent
	case gcerrors.FailedPrecondition:
		return errExists
	}
	return err
}
