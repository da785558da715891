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
	if holdsConfig(rec.Value) {
		value, err := replaced(r.stores, rec.Value)
		if err != nil {
			return err
		}
		rec.Value = value
	}
	return r.Fold.Apply(rec)
}

// replaced is an encoded record of settings, with the plan's in the stead of those that it replaces. What is not one stays as it is:
// it is the fold's to bury.
func replaced(plan []parts.Restated, value []byte) ([]byte, error) {
	m := &pb.Record{}
	if err := m.UnmarshalVT(value); err != nil {
		return value, nil
	}
	i := slices.IndexFunc(plan, func(s parts.Restated) bool {
		return s.Store == m.Store && slices.Contains(s.Replaces, m.GetConfig().GetConfigId())
	})
	if i < 0 {
		return value, nil
	}
	file := []byte(plan[i].File)
	m.Body = &pb.Record_Config{Config: &pb.Config{ConfigId: storeconf.ID(file), File: file}}
	return m.MarshalVT()
}

// holdsConfig tells whether an encoded record is a setting: its kind is the first field, and the first byte of it is the field's tag.
func holdsConfig(b []byte) bool {
	const kindTag = 1 << 3 // field 1, a varint
	return len(b) > 1 && b[0] == kindTag && b[1] == byte(pb.Kind_KIND_CONFIG)
}
