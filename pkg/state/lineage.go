package state

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// lineageFile lies beside Pebble's files, which it is none of: a checkpoint has none, so a store that is restored from one gets its own.
const lineageFile = "lineage"

// Checkpoint makes a copy of the store, as of the last commit, in a folder that must not exist. Tables are hard links where the file
// system allows; the folder opens as a store, with another lineage.
func (s *Store) Checkpoint(dir string) error {
	if err := s.db.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
		return fmt.Errorf("checkpoint of state in %s: %w", dir, err)
	}
	return nil
}

// Lineage is the id of this life of the store's folder, 32 hex digits: two stores that go on from one checkpoint differ in it, and
// inside one a table's name never stands for two contents. A copy of the folder made by other means breaks that.
func (s *Store) Lineage() string { return s.lineage }

// lineage reads a store's lineage, or begins one. What is not whole is begun anew too: that costs one full upload.
func lineage(fs vfs.FS, dir string) (string, error) {
	path := fs.PathJoin(dir, lineageFile)
	if f, err := fs.Open(path); err == nil {
		b, err := io.ReadAll(io.LimitReader(f, 33))
		if err := errors.Join(err, f.Close()); err != nil {
			return "", fmt.Errorf("read %s: %w", path, err)
		}
		if id, err := hex.DecodeString(string(b)); err == nil && len(id) == 16 {
			return string(b), nil
		}
	}
	id := make([]byte, 16)
	rand.Read(id) // never fails
	text := hex.EncodeToString(id)
	if err := writeDurably(fs, dir, path, text); err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	return text, nil
}

// writeDurably writes a small file that is there whole after a crash, or not.
func writeDurably(fs vfs.FS, dir, path, text string) error {
	f, err := fs.Create(path+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := fs.Rename(path+".new", path); err != nil {
		return err
	}
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
