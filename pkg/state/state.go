// Package state keeps one Pebble store per partition and stage.
//
// State and next offset go in one batch, so after a crash the store is a prefix of its log: what was lost is
// folded again. It knows nothing of what the values mean.
package state

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/stream"
)

// positionKey sorts before every key of a fold, which all start with a letter.
var positionKey = []byte{0, 'n'}

// Options of a store.
type Options struct {
	// FS is the file system; nil is the machine's. Tests crash an in-memory one.
	FS vfs.FS
	// CacheBytes is the block cache. Default: 4 MiB (hot entries live decoded in the fold).
	CacheBytes int64
	// Log is told why the process ends when a store cannot be written any more. Nil: standard error.
	Log *zap.Logger
}

// Store is one partition's state. One goroutine owns it.
type Store struct {
	db      *pebble.DB
	at      stream.Position
	lineage string
	changes changes // of the commit in hand
}

// Open opens or creates the store in dir. A second opener of the same dir fails: Pebble holds a file lock.
func Open(dir string, o Options) (*Store, error) {
	if o.CacheBytes == 0 {
		o.CacheBytes = 4 << 20
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	end := &ending{log: o.Log, dir: dir}
	cache := pebble.NewCache(o.CacheBytes)
	defer cache.Unref()
	db, err := pebble.Open(dir, &pebble.Options{FS: vfs.OnDiskFull(o.FS, end.full), Cache: cache, MemTableSize: 8 << 20, Logger: end,
		EventListener: &pebble.EventListener{BackgroundError: end.background}})
	if err != nil {
		return nil, refused(dir, err)
	}
	s := &Store{db: db}
	if s.at, err = position(db); err == nil {
		s.lineage, err = lineage(o.FS, dir)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	end.open.Store(true)
	return s, nil
}

// position reads where to go on from.
func position(db *pebble.DB) (stream.Position, error) {
	value, closer, err := db.Get(positionKey)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return stream.Start(), nil
	case err != nil:
		return stream.Position{}, fmt.Errorf("read position: %w", err)
	}
	defer closer.Close()
	return decodePosition(value)
}

// refused makes a sentence of a store that does not open.
func refused(dir string, err error) error {
	var p *fs.PathError
	why := err
	if errors.As(err, &p) {
		why = p.Err
	}
	switch {
	case errors.Is(err, syscall.EAGAIN), strings.Contains(err.Error(), "lock held by current process"):
		return fmt.Errorf("another process keeps its state in %s: stop it, or set TRIBUTARY_STATE_DIR to another folder", dir)
	case errors.Is(err, syscall.ENOSPC):
		return noSpace(dir)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("cannot keep state in %s: set TRIBUTARY_STATE_DIR to a folder that may be written: %w", dir, why)
	}
	return fmt.Errorf("open state in %s: %w", dir, err)
}

// Position to go on from; stream.Start for an empty store.
func (s *Store) Position() stream.Position { return s.at }

// Commit writes the changes and the position in one batch. It does not sync: a lost suffix is folded again.
func (s *Store) Commit(at stream.Position, save func(stream.Batcher) error) error {
	s.changes.reset()
	if err := save(&s.changes); err != nil {
		return err
	}
	batch := s.db.NewBatch()
	defer batch.Close()
	if err := s.changes.write(batch); err != nil {
		return err
	}
	if err := batch.Set(positionKey, encodePosition(at), nil); err != nil {
		return fmt.Errorf("stage position: %w", err)
	}
	if err := batch.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("commit batch: %w", err)
	}
	s.at = at
	return nil
}

// Each calls f for every key that starts with prefix, in key order. Key and value are valid during the call.
func (s *Store) Each(prefix []byte, f func(key, value []byte) error) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: upper(prefix)})
	if err != nil {
		return fmt.Errorf("iterate state: %w", err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if err := f(it.Key(), it.Value()); err != nil {
			return err
		}
	}
	return it.Error()
}

// Close closes the store.
func (s *Store) Close() error { return s.db.Close() }

// upper is the first key after all keys with the prefix; nil when there is none.
func upper(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			return append(append([]byte{}, prefix[:i]...), prefix[i]+1)
		}
	}
	return nil
}

// changes collects one commit's writes and puts them in key order: sorted batches cost Pebble a third less. Keys and values lie
// in one piece of memory that the next commit uses again.
type changes struct {
	bytes []byte
	list  []change
}

// change is a key and its value, as places in bytes.
type change struct {
	key, value, end int
	del             bool
}

func (c *changes) reset() { c.bytes, c.list = c.bytes[:0], c.list[:0] }

func (c *changes) Set(key, value []byte) error {
	at := len(c.bytes)
	c.bytes = append(append(c.bytes, key...), value...)
	c.list = append(c.list, change{key: at, value: at + len(key), end: len(c.bytes)})
	return nil
}

func (c *changes) Delete(key []byte) error {
	at := len(c.bytes)
	c.bytes = append(c.bytes, key...)
	c.list = append(c.list, change{key: at, value: len(c.bytes), end: len(c.bytes), del: true})
	return nil
}

func (c *changes) write(b *pebble.Batch) error {
	slices.SortFunc(c.list, func(x, y change) int { // of one key the last counts: it lies behind the others
		return cmp.Or(bytes.Compare(c.bytes[x.key:x.value], c.bytes[y.key:y.value]), cmp.Compare(x.key, y.key))
	})
	for _, ch := range c.list {
		var err error
		if ch.del {
			err = b.Delete(c.bytes[ch.key:ch.value], nil)
		} else {
			err = b.Set(c.bytes[ch.key:ch.value], c.bytes[ch.value:ch.end], nil)
		}
		if err != nil {
			return fmt.Errorf("stage key: %w", err)
		}
	}
	return nil
}
