package main

import (
	"bytes"
	"testing"

	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/internal/parts"
	"github.com/tributary-data/tributary/services/internal/storeconf"
)

func encoded(t *testing.T, r *pb.Record) []byte {
	t.Helper()
	b, err := r.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Ensure that settings are told from records of every other kind by their first bytes.
func TestHoldsConfig(t *testing.T) {
	for n, name := range pb.Kind_name {
		r := &pb.Record{Kind: pb.Kind(n), Store: "demo", IngestTs: day0, Flags: 3, Body: &pb.Record_Tick{Tick: &pb.Tick{}}}
		if got := holdsConfig(encoded(t, r)); got != (r.Kind == pb.Kind_KIND_CONFIG) {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, b := range [][]byte{nil, {8}, {3}, {16, 3}} {
		if holdsConfig(b) {
			t.Errorf("%v is taken for settings", b)
		}
	}
}

// Ensure that an epoch's plan counts in the stead of what it replaces, in its store, and that settings which came later count as ever.
func TestReplaced(t *testing.T) {
	old, plan := []byte("old file"), []byte("the plan's file")
	stores := []parts.Restated{{Store: "other", File: "another", Replaces: []string{"x"}}, {Store: "demo", File: string(plan), Replaces: []string{"w", storeconf.ID(old)}}}
	record := func(store string, file []byte) *pb.Record {
		return &pb.Record{Kind: pb.Kind_KIND_CONFIG, Store: store, IngestTs: day0, Flags: 1, Body: &pb.Record_Config{Config: &pb.Config{ConfigId: storeconf.ID(file), File: file}}}
	}
	expect := func(why string, value, want []byte) {
		t.Helper()
		if got, err := replaced(stores, value); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: got %q, %v, want %q", why, got, err, want)
		}
	}
	expect("what the plan replaces", encoded(t, record("demo", old)), encoded(t, record("demo", plan)))
	for why, value := range map[string][]byte{
		"settings that came later": encoded(t, record("demo", []byte("new"))),
		"another store":            encoded(t, record("other", old)),
		"no settings in it":        encoded(t, &pb.Record{Kind: pb.Kind_KIND_CONFIG, Store: "demo"}),
		"no record":                {8, 3, 255},
	} {
		expect(why, value, value)
	}
}
