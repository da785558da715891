// Package gaps is what the folds do about records that are missing from their log, by an operator's decision: they tell which
// time that touches, once the first record after the gap says when it ended.
package gaps

import (
	"fmt"

	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// key of an open gap in a fold's store.
var key = []byte("g")

// Open is a gap whose end in time is not known yet. The zero value is none.
type Open struct {
	gap     *pb.Gap
	changed bool // since the last commit
}

// Begin notes that the records [from, to) are missing. What the fold had said of the time from fromTs on, Unix milliseconds, may
// have been changed by them.
func (o *Open) Begin(from, to, fromTs int64) {
	if o.gap == nil {
		o.gap = &pb.Gap{FromOffset: from, FromTs: max(fromTs, 0)}
	}
	o.gap.ToOffset, o.changed = to, true
}

// End closes the gap at the time of the first record after it, and returns it; nil where none is open.
func (o *Open) End(toTs int64) *pb.Gap {
	g := o.gap
	if g != nil {
		g.ToTs = max(toTs, g.FromTs)
		o.gap, o.changed = nil, true
	}
	return g
}

// Save stages what changed since the last commit.
func (o *Open) Save(b stream.Batcher) error {
	switch {
	case !o.changed:
		return nil
	case o.gap == nil:
		return b.Delete(key)
	}
	v, err := o.gap.MarshalVT()
	if err != nil {
		return err
	}
	return b.Set(key, v)
}

// Saved forgets that it changed.
func (o *Open) Saved() { o.changed = false }

// Load restores an open gap.
func (o *Open) Load(r stream.StateReader) error {
	err := r.Each(key, func(_, v []byte) error {
		o.gap = &pb.Gap{}
		return o.gap.UnmarshalVT(v)
	})
	if err != nil {
		return fmt.Errorf("load open gap: %w", err)
	}
	return nil
}
