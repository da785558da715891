package cells

import (
	"encoding/binary"
	"fmt"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/funnel"
	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Keys of the store: c/<store> → config record, k/<hash of the cell's key> → CellState, s/<generation, partition> →
// SourceState, u/<session id> → UnitState.
const (
	prefixConfig = "c/"
	prefixCell   = "k/"
	prefixSource = "s/"
	prefixUnit   = "u/"
)

// vt is a message of vtprotobuf.
type vt interface{ MarshalVT() ([]byte, error) }

// put stages a value, or the deletion of a key whose entry is gone.
func put(b stream.Batcher, key []byte, m vt, gone bool) error {
	if gone {
		return b.Delete(key)
	}
	v, err := m.MarshalVT()
	if err != nil {
		return err
	}
	return b.Set(key, v)
}

// Save stages what changed since the last commit. The store sorts by key, so map order does not show.
func (f *Fold) Save(b stream.Batcher) error {
	for name, s := range f.stores {
		if s.changed {
			if err := put(b, []byte(prefixConfig+name), s.record, false); err != nil {
				return err
			}
		}
	}
	for id := range f.dirtyUnits {
		u := f.units[id]
		if err := put(b, append([]byte(prefixUnit), id[:]...), unitState(u), u == nil); err != nil {
			return err
		}
	}
	for k := range f.touchedCells {
		c := f.cells[k]
		if err := put(b, cellKey(k), cellState(k, c), c == nil); err != nil {
			return err
		}
	}
	for k := range f.dirtySources {
		if err := put(b, sourceKeyBytes(k), f.sources[k], false); err != nil {
			return err
		}
	}
	return nil
}

// Saved forgets what is durable now.
func (f *Fold) Saved() {
	clear(f.sessions)
	clear(f.touchedCells)
	clear(f.dirtyUnits)
	clear(f.dirtySources)
	for _, s := range f.stores {
		s.changed = false
	}
}

func sourceKeyBytes(k sourceKey) []byte {
	b := binary.BigEndian.AppendUint32([]byte(prefixSource), k.generation)
	return binary.BigEndian.AppendUint32(b, k.partition)
}

// cellKey is short whatever the cell's values are; the state names the cell itself.
func cellKey(k funnel.Key) []byte {
	b, _ := pbKey(k).MarshalVT() // plain fields always encode
	h := event.Hash128([]byte("cell"), b)
	return append([]byte(prefixCell), h[:]...)
}

func pbKey(k funnel.Key) *pb.CellKey {
	return &pb.CellKey{Store: k.Store, Funnel: k.Funnel, FunnelVersion: uint32(k.Version), Basis: k.Basis, Window: k.Window,
		Start: k.Start, Breakdown: k.Breakdown, Values: k.Values, Class: k.Class}
}

func keyFrom(k *pb.CellKey) funnel.Key {
	return funnel.Key{Store: k.Store, Funnel: k.Funnel, Version: uint16(k.FunnelVersion), Basis: k.Basis, Window: k.Window,
		Start: k.Start, Breakdown: k.Breakdown, Values: k.Values, Class: k.Class}
}

func unitState(u *unit) *pb.UnitState {
	if u == nil {
		return nil
	}
	s := &pb.UnitState{Version: uint64(u.version), Dead: u.dead, Entry: u.entry, SourcePartition: u.source.partition}
	for _, c := range u.shares {
		s.Shares = append(s.Shares, &pb.Share{Key: pbKey(c.Key), Level: uint32(c.Level), Implied: c.Implied, Value: c.Value})
	}
	return s
}

func cellState(k funnel.Key, c *cell) *pb.CellState {
	if c == nil {
		return nil
	}
	return &pb.CellState{Key: pbKey(k), Version: uint64(c.version), Units: c.Units, Implied: c.Implied, Value: c.Value}
}

// Load restores the fold from its store.
func (f *Fold) Load(r stream.StateReader, next int64) error {
	f.last = next - 1
	for _, part := range []struct {
		what, prefix string
		load         func(key, value []byte) error
	}{{"configs", prefixConfig, f.loadConfig}, {"sources", prefixSource, f.loadSource}, {"cells", prefixCell, f.loadCell}, {"units", prefixUnit, f.loadUnit}} {
		err := r.Each([]byte(part.prefix), func(k, v []byte) error { return part.load(k[len(part.prefix):], v) })
		if err != nil {
			return fmt.Errorf("load %s: %w", part.what, err)
		}
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

func (f *Fold) loadSource(_, value []byte) error {
	s := &pb.SourceState{}
	if err := s.UnmarshalVT(value); err != nil {
		return err
	}
	f.sources[sourceKey{s.Generation, s.Partition}] = s
	return nil
}

func (f *Fold) loadCell(_, value []byte) error {
	s := &pb.CellState{}
	if err := s.UnmarshalVT(value); err != nil {
		return err
	}
	f.cells[keyFrom(s.Key)] = &cell{Cell: funnel.Cell{Units: s.Units, Implied: s.Implied, Value: s.Value}, version: event.Version(s.Version)}
	return nil
}

func (f *Fold) loadUnit(key, value []byte) error {
	s := &pb.UnitState{}
	if err := s.UnmarshalVT(value); err != nil {
		return err
	}
	version := event.Version(s.Version)
	u := &unit{version: version, dead: s.Dead, entry: s.Entry, source: sourceKey{uint32(version.Generation()), s.SourcePartition}}
	for _, c := range s.Shares {
		u.shares = append(u.shares, funnel.Contribution{Key: keyFrom(c.Key), Level: int(c.Level), Implied: c.Implied, Value: c.Value})
	}
	f.units[event.IDOf(key)] = u
	return nil
}
