package visitor

import (
	"encoding/binary"
	"fmt"

	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Keys of the store: g → open gap (services/internal/gaps), c/<store>, zero byte, place in order of arrival → config record, h/<entry bucket> → floor beyond which its sessions are out of a link's
// reach, v/<event key> → a visitor's head (sleep.go) and state (pkg/session, codec), w → clock.
const (
	prefixConfig  = "c/"
	prefixHeld    = "h/"
	prefixVisitor = "v/"
	keyClock      = "w"
)

// Load restores the fold from its store.
func (f *Fold) Load(r stream.StateReader, next int64) error {
	f.last.offset = next - 1
	if err := r.Each([]byte(prefixConfig), f.loadConfig); err != nil {
		return fmt.Errorf("load configs: %w", err)
	}
	err := r.Each([]byte(keyClock), func(_, v []byte) error { return f.clock.Restore(v) })
	if err != nil {
		return fmt.Errorf("load clock: %w", err)
	}
	f.clockMark = f.clock.MaxIngest()
	err = r.Each([]byte(prefixHeld), func(k, v []byte) error {
		f.entries.held[int64(binary.BigEndian.Uint64(k[len(prefixHeld):]))] = int64(binary.BigEndian.Uint64(v))
		return nil
	})
	if err != nil {
		return fmt.Errorf("load entry buckets: %w", err)
	}
	if err := f.loadVisitors(r); err != nil {
		return fmt.Errorf("load visitors: %w", err)
	}
	return f.gap.Load(r)
}

func (f *Fold) loadConfig(_, value []byte) error {
	rec := &pb.Record{}
	if err := rec.UnmarshalVT(value); err != nil {
		return err
	}
	s := f.stores[rec.Store]
	if s == nil {
		s = &store{name: rec.Store}
		f.stores[rec.Store] = s
	}
	_, err := f.setConfig(s, rec)
	s.saved = len(s.records)
	return err
}

func cutKey(k string) (storeName, visitor string, ok bool) {
	for i := range len(k) {
		if k[i] == 0 {
			return k[:i], k[i+1:], true
		}
	}
	return "", "", false
}

// Save stages what changed since the last commit. The store sorts by key, so map order does not show.
func (f *Fold) Save(b stream.Batcher) error {
	for name, s := range f.stores { // any order: the store sorts what it is given
		for i, r := range s.records[s.saved:] {
			v, err := r.MarshalVT()
			if err != nil {
				return err
			}
			if err := b.Set(binary.BigEndian.AppendUint32([]byte(prefixConfig+name+"\x00"), uint32(s.saved+i)), v); err != nil {
				return err
			}
		}
	}
	for _, v := range f.dirty {
		if err := f.saveVisitor(b, v); err != nil {
			return err
		}
	}
	if err := f.saveHeld(b); err != nil {
		return err
	}
	if err := f.gap.Save(b); err != nil {
		return err
	}
	return f.saveClock(b)
}

func (f *Fold) saveHeld(b stream.Batcher) error {
	for at := range f.entries.changed { // any order: the store sorts what it is given
		key := append([]byte(prefixHeld), number(at)...)
		until, held := f.entries.held[at]
		err := error(nil)
		if held {
			err = b.Set(key, number(until))
		} else {
			err = b.Delete(key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// saveClock also saves the floors of new configs, which move without a new ingest_ts.
func (f *Fold) saveClock(b stream.Batcher) error {
	if f.clock.MaxIngest() == f.clockMark && len(f.configs) == 0 {
		return nil
	}
	return b.Set([]byte(keyClock), f.clock.Snapshot())
}

func (f *Fold) saveVisitor(b stream.Batcher, v *visitor) error {
	f.key = append(append(f.key[:0], prefixVisitor...), v.key...)
	switch f.visitors[v.key] {
	case v:
		f.state = v.AppendState(v.appendHead(f.state[:0]))
		return b.Set(f.key, f.state)
	case nil:
		return b.Delete(f.key)
	}
	return nil // the visitor left and came again: that one is saved
}

func number(v int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) }

// Saved forgets what is durable now.
func (f *Fold) Saved() {
	clear(f.touched)
	for _, v := range f.dirty {
		v.dirty = false
	}
	clear(f.dirty)
	f.dirty = f.dirty[:0]
	clear(f.entries.changed)
	f.gap.Saved()
	f.configs, f.dead = f.configs[:0], f.dead[:0]
	for _, s := range f.stores { // any order: each for itself
		s.saved = len(s.records)
	}
	f.clockMark = f.clock.MaxIngest()
}
