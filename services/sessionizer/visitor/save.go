package visitor

import (
	"encoding/binary"
	"fmt"

	"github.com/tributary-data/tributary/pkg/session"
	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Keys of the store: c/<store> → config record, f/<store> → floor, v/<event key> → VisitorState, w → highest ingest_ts.
const (
	prefixConfig  = "c/"
	prefixFloor   = "f/"
	prefixVisitor = "v/"
	keyClock      = "w"
)

// Reader reads a store by prefix.
type Reader interface {
	Each(prefix []byte, f func(key, value []byte) error) error
}

// Load restores the fold from its store.
func (f *Fold) Load(r Reader, next int64) error {
	f.last.offset = next - 1
	if err := r.Each([]byte(prefixConfig), f.loadConfig); err != nil {
		return fmt.Errorf("load configs: %w", err)
	}
	floors := map[string]int64{}
	err := r.Each([]byte(prefixFloor), func(k, v []byte) error {
		floors[string(k[len(prefixFloor):])] = int64(binary.BigEndian.Uint64(v))
		return nil
	})
	if err != nil {
		return fmt.Errorf("load floors: %w", err)
	}
	err = r.Each([]byte(keyClock), func(_, v []byte) error {
		f.clockMark = int64(binary.BigEndian.Uint64(v))
		f.clock.Restore(f.clockMark, floors)
		return nil
	})
	if err != nil {
		return fmt.Errorf("load clock: %w", err)
	}
	if err := r.Each([]byte(prefixVisitor), f.loadVisitor); err != nil {
		return fmt.Errorf("load visitors: %w", err)
	}
	return nil
}

func (f *Fold) loadConfig(_, value []byte) error {
	rec := &pb.Record{}
	if err := rec.UnmarshalVT(value); err != nil {
		return err
	}
	return f.setConfig(rec)
}

func (f *Fold) loadVisitor(key, value []byte) error {
	k := string(key[len(prefixVisitor):])
	storeName, id, ok := cutKey(k)
	s := f.stores[storeName]
	if !ok || s == nil {
		return fmt.Errorf("visitor of unknown store %q", storeName)
	}
	v := &visitor{key: k, store: storeName, id: id, state: &pb.VisitorState{}}
	if err := v.state.UnmarshalVT(value); err != nil {
		return err
	}
	f.visitors[k] = v
	f.recount(v, session.All(v.store, v.id, v.state, s.config))
	f.schedule(v, s.config)
	return nil
}

func cutKey(k string) (storeName, visitor string, ok bool) {
	for i := range len(k) {
		if k[i] == 0 {
			return k[:i], k[i+1:], true
		}
	}
	return "", "", false
}

// Save stages what changed since the last commit.
func (f *Fold) Save(b stream.Batcher) error {
	for name, s := range f.stores {
		if s.changed {
			v, err := s.record.MarshalVT()
			if err != nil {
				return err
			}
			if err := b.Set([]byte(prefixConfig+name), v); err != nil {
				return err
			}
		}
	}
	for _, v := range f.dirty {
		if err := f.saveVisitor(b, v); err != nil {
			return err
		}
	}
	if f.clock.MaxIngest() == f.clockMark {
		return nil
	}
	for name, floor := range f.clock.Floors() {
		if err := b.Set([]byte(prefixFloor+name), number(floor)); err != nil {
			return err
		}
	}
	return b.Set([]byte(keyClock), number(f.clock.MaxIngest()))
}

func (f *Fold) saveVisitor(b stream.Batcher, v *visitor) error {
	key := []byte(prefixVisitor + v.key)
	if f.visitors[v.key] != v {
		return b.Delete(key)
	}
	value, err := v.state.MarshalVT()
	if err != nil {
		return err
	}
	return b.Set(key, value)
}

func number(v int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) }

// Saved forgets what is durable now.
func (f *Fold) Saved() {
	clear(f.touched)
	clear(f.dirty)
	f.configs = f.configs[:0]
	for _, s := range f.stores {
		s.changed = false
	}
	f.clockMark = f.clock.MaxIngest()
}
