package main

import (
	"slices"

	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/internal/parts"
	"github.com/tributary-data/tributary/services/internal/storeconf"
	"github.com/tributary-data/tributary/services/sessionizer/visitor"
)

// restated is the fold of an epoch in which some stores have other settings than the log says. The plan never changes while the
// epoch lives, so what comes out depends on the log alone.
type restated struct {
	*visitor.Fold
	stores []parts.Restated
}

// Apply folds one record; settings that the plan replaces give way to the plan's.
func (r *restated) Apply(rec stream.Record) error {
	if !holdsConfig(rec.Value) {
		return r.Fold.Apply(rec)
	}
	m := &pb.Record{}
	if err := m.UnmarshalVT(rec.Value); err != nil {
		return r.Fold.Apply(rec) // it is the fold's to bury
	}
	i := slices.IndexFunc(r.stores, func(s parts.Restated) bool {
		return s.Store == m.Store && slices.Contains(s.Replaces, m.GetConfig().GetConfigId())
	})
	if i < 0 {
		return r.Fold.Apply(rec)
	}
	file := []byte(r.stores[i].File)
	m.Body = &pb.Record_Config{Config: &pb.Config{ConfigId: storeconf.ID(file), File: file}}
	value, err := m.MarshalVT()
	if err != nil {
		return err
	}
	rec.Value = value
	return r.Fold.Apply(rec)
}

// holdsConfig tells whether an encoded record is a setting: its kind is the first field, and the first byte of it is the field's tag.
func holdsConfig(b []byte) bool {
	const kindTag = 1 << 3 // field 1, a varint
	return len(b) > 1 && b[0] == kindTag && b[1] == byte(pb.Kind_KIND_CONFIG)
}
