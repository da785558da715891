package facts

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Keys of the store: g → open gap (services/internal/gaps), c/<store>, zero byte, place in order of arrival → config record, e/<hash of an event's key> → memory,
// i/<store>, zero byte, hour → counts, w → clock.
const (
	prefixConfig = "c/"
	prefixSeen   = "e/"
	prefixIntake = "i/"
	keyClock     = "w"
)

var errCut = errors.New("a stored value is cut short")

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
	for id := range f.seen.changed { // any order: the store sorts what it is given
		m, ok := f.seen.ids[id]
		if err := set(b, append([]byte(prefixSeen), id[:]...), m.bytes(), ok); err != nil {
			return err
		}
	}
	for h := range f.intake.touched { // any order: the store sorts what it is given
		c, ok := f.intake.hours[h]
		if err := set(b, binary.BigEndian.AppendUint64([]byte(prefixIntake+h.store+"\x00"), uint64(h.start)), c.bytes(), ok); err != nil {
			return err
		}
	}
	if err := f.gap.Save(b); err != nil {
		return err
	}
	if f.clock.MaxIngest() == f.clockMark && !f.configs {
		return nil
	}
	return b.Set([]byte(keyClock), f.clock.Snapshot())
}

// set stages a value, or the deletion of its key.
func set(b stream.Batcher, key, value []byte, there bool) error {
	if there {
		return b.Set(key, value)
	}
	return b.Delete(key)
}

func (c *counts) bytes() []byte {
	if c == nil {
		return nil
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(c.version))
	for _, n := range []int64{c.records, c.unique, c.duplicate, c.late, c.idReused} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return b
}

// Saved forgets what is durable now.
func (f *Fold) Saved() {
	clear(f.rows)
	f.events.reset()
	clear(f.seen.changed)
	clear(f.intake.touched)
	for _, s := range f.stores { // any order: each for itself
		s.saved = len(s.records)
	}
	f.gap.Saved()
	f.configs, f.clockMark = false, f.clock.MaxIngest()
}

// Load restores the fold from its store.
func (f *Fold) Load(r stream.StateReader, next int64) error {
	f.last = next - 1
	for _, part := range []struct {
		what, prefix string
		load         func(key, value []byte) error
	}{{"configs", prefixConfig, f.loadConfig}, {"ids", prefixSeen, f.loadSeen}, {"intake", prefixIntake, f.loadIntake},
		{"clock", keyClock, func(_, v []byte) error { return f.clock.Restore(v) }}} {
		if err := r.Each([]byte(part.prefix), func(k, v []byte) error { return part.load(k[len(part.prefix):], v) }); err != nil {
			return fmt.Errorf("load %s: %w", part.what, err)
		}
	}
	f.clockMark = f.clock.MaxIngest()
	return f.gap.Load(r)
}

func (f *Fold) loadConfig(_, value []byte) error {
	rec := &pb.Record{}
	if err := rec.UnmarshalVT(value); err != nil {
		return err
	}
	if _, err := f.setConfig(rec); err != nil {
		return err
	}
	f.stores[rec.Store].saved = len(f.stores[rec.Store].records)
	return nil
}

func (f *Fold) loadSeen(key, value []byte) error {
	if len(value) != 16 {
		return errCut
	}
	f.seen.remember(event.IDOf(key), memory{payload: binary.BigEndian.Uint64(value), until: int64(binary.BigEndian.Uint64(value[8:]))})
	return nil
}

func (f *Fold) loadIntake(key, value []byte) error {
	if len(key) < 9 || len(value) != 48 {
		return errCut
	}
	n := func(i int) int64 { return int64(binary.BigEndian.Uint64(value[8*i:])) }
	at := len(key) - 9
	f.intake.hours[hour{string(key[:at]), int64(binary.BigEndian.Uint64(key[at+1:]))}] = &counts{version: event.Version(n(0)),
		records: n(1), unique: n(2), duplicate: n(3), late: n(4), idReused: n(5)}
	return nil
}
