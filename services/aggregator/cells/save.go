package cells

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/funnel"
	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Keys of the store: g → open gap (services/internal/gaps), c/<store>, zero byte, place in order of arrival → config record, k/<hash of the cell's key> → CellState, s/<generation, partition> →
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
	for name, s := range f.stores { // any order: the store sorts what it is given
		for i, r := range s.records[s.saved:] {
			key := binary.BigEndian.AppendUint32([]byte(prefixConfig+name+"\x00"), uint32(s.saved+i))
			if err := put(b, key, r, false); err != nil {
				return err
			}
		}
	}
	for id := range f.dirtyUnits { // any order: the store sorts what it is given
		u := f.units[id]
		if err := put(b, append([]byte(prefixUnit), id[:]...), unitState(u), u == nil); err != nil {
			return err
		}
	}
	for k := range f.touchedCells { // any order: the store sorts what it is given
		c := f.cells[k]
		if err := put(b, cellKey(k), cellState(k, c), c == nil); err != nil {
			return err
		}
	}
	for k := range f.dirtySources { // any order: the store sorts what it is given
		if err := put(b, sourceKeyBytes(k), f.sources[k], false); err != nil {
			return err
		}
	}
	return f.gap.Save(b)
}

// Saved forgets what is durable now.
func (f *Fold) Saved() {
	clear(f.sessions)
	clear(f.touchedCells)
	clear(f.dirtyUnits)
	clear(f.dirtySources)
	f.gap.Saved()
	f.gaps, f.buried = nil, nil
	for _, s := range f.stores { // any order: each for itself
		s.saved = len(s.records)
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
	s := &pb.UnitState{Version: uint64(u.version), Dead: u.dead, Entry: u.entry, SourcePartition: u.source.partition, Store: u.store}
	for _, sh := range u.shares {
		m := sh.Match
		s.Shares = append(s.Shares, &pb.UnitShare{Funnel: sh.funnel.Name, FunnelVersion: uint32(sh.funnel.Version), Level: uint32(m.Level),
			Implied: m.Implied, At: m.At[:], Open: sh.Open, Value: sh.Value, Class: sh.Class, Values: sh.Values})
	}
	return s
}

func cellState(k funnel.Key, c *cell) *pb.CellState {
	if c == nil {
		return nil
	}
	s := &pb.CellState{Key: pbKey(k), Version: uint64(c.version), Units: c.Units, Implied: c.Implied, Value: c.Value, Open: c.Open}
	for _, m := range c.Times {
		t := &pb.Times{}
		for _, bin := range slices.Sorted(maps.Keys(m)) {
			t.Bins, t.Counts = append(t.Bins, int32(bin)), append(t.Counts, m[bin])
		}
		s.Times = append(s.Times, t)
	}
	return s
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
	return f.gap.Load(r)
}

func (f *Fold) loadConfig(_, value []byte) error {
	rec := &pb.Record{}
	if err := rec.UnmarshalVT(value); err != nil {
		return err
	}
	if err := f.setConfig(rec); err != nil {
		return err
	}
	f.stores[rec.Store].saved = len(f.stores[rec.Store].records)
	return nil
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
	c := &cell{Cell: funnel.Cell{Units: s.Units, Implied: s.Implied, Value: s.Value, Open: s.Open}, version: event.Version(s.Version)}
	for _, t := range s.Times {
		m := map[int16]int64{}
		for i, bin := range t.Bins {
			m[int16(bin)] = t.Counts[i]
		}
		c.Times = append(c.Times, m)
	}
	f.cells[keyFrom(s.Key)] = c
	return nil
}

func (f *Fold) loadUnit(key, value []byte) error {
	s := &pb.UnitState{}
	if err := s.UnmarshalVT(value); err != nil {
		return err
	}
	version := event.Version(s.Version)
	u := &unit{version: version, dead: s.Dead, entry: s.Entry, source: sourceKey{uint32(version.Generation()), s.SourcePartition}, store: s.Store}
	for _, c := range s.Shares {
		d := f.stores[s.Store].funnel(c.Funnel, uint16(c.FunnelVersion))
		if d == nil {
			return fmt.Errorf("a unit of funnel %s, version %d, which no setting has", c.Funnel, c.FunnelVersion)
		}
		sh := share{funnel: d, Unit: funnel.Unit{Match: funnel.Match{Level: int(c.Level), Implied: c.Implied}, Open: c.Open,
			Value: c.Value, Class: c.Class, Values: c.Values}}
		copy(sh.Match.At[:], c.At)
		u.shares = append(u.shares, sh)
	}
	f.units[event.IDOf(key)] = u
	return nil
}
