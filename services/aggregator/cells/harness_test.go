package cells_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/state"
	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
	"github.com/tributary-data/tributary/services/aggregator/cells"
)

const minute = int64(60_000)

// keys of the tables: what ReplacingMergeTree replaces by.
var keys = map[string][]string{
	"tributary.sessions":     {"epoch", "store", "created_day", "session_id"},
	"tributary.funnel_cells": {"epoch", "store", "stage", "funnel", "funnel_version", "basis", "window_seconds", "window_start", "breakdown", "values", "class", "generation", "partition"},
	"tributary.progress":     {"epoch", "stage", "generation", "partition"},
}

// tables replaces rows as the engine does: the highest version of a key stays, of equal ones the last.
type tables struct {
	rows   map[string]map[string]map[string]any // table → key → row
	writes int
}

func newTables() *tables { return &tables{rows: map[string]map[string]map[string]any{}} }

func (s *tables) Write(_ context.Context, sub clickhouse.Submission) error {
	s.writes++
	for _, in := range append(slices.Clone(sub.Data), sub.Marks...) {
		columns := strings.Split(strings.ReplaceAll(in.Table.Columns, " ", ""), ",")
		if s.rows[in.Table.Name] == nil {
			s.rows[in.Table.Name] = map[string]map[string]any{}
		}
		for _, values := range in.Rows {
			if len(values) != len(columns) {
				return fmt.Errorf("%s: %d values for %d columns", in.Table.Name, len(values), len(columns))
			}
			row, key := map[string]any{}, ""
			for i, c := range columns {
				row[c] = values[i]
			}
			for _, c := range keys[in.Table.Name] {
				key += fmt.Sprint(row[c], "|")
			}
			if old := s.rows[in.Table.Name][key]; old == nil || row["version"].(uint64) >= old["version"].(uint64) {
				s.rows[in.Table.Name][key] = copied(row)
			}
		}
	}
	return nil
}

// copied keeps the row as it was written: the fold goes on using its slices.
func copied(row map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range row {
		switch x := v.(type) {
		case []int64:
			v = slices.Clone(x)
		case []map[int16]int64:
			c := make([]map[int16]int64, len(x))
			for i := range x {
				c[i] = maps.Clone(x[i])
			}
			v = c
		}
		out[k] = v
	}
	return out
}

// text is a table's live content apart from the version, one line a row.
func (s *tables) text(table string) (out []string) {
	for _, row := range s.rows[table] {
		if row["deleted"] == uint8(1) || allZero(row["units"]) {
			continue
		}
		line := ""
		for _, c := range slices.Sorted(maps.Keys(row)) {
			if c != "version" {
				line += fmt.Sprint(c, "=", row[c], " ")
			}
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

func allZero(v any) bool {
	units, ok := v.([]int64)
	return ok && !slices.ContainsFunc(units, func(u int64) bool { return u != 0 })
}

func config() *pb.Record {
	return &pb.Record{Kind: pb.Kind_KIND_CONFIG, Store: "demo", Source: &pb.Source{Partition: 3},
		Body: &pb.Record_Config{Config: &pb.Config{ConfigId: "1", File: stores.Demo()}}}
}

func watermark(offset, w, f int64) *pb.Record {
	return &pb.Record{Kind: pb.Kind_KIND_WATERMARK, Source: &pb.Source{Partition: 3, Offset: offset},
		Body: &pb.Record_Watermark{Watermark: &pb.Watermark{W: w, F: f, Fp: f}}}
}

// session n, as the record at offset left it: entry in minutes, actions one second apart.
func session(n int, offset, start int64, channel string, actions ...string) *pb.Record {
	id := event.Hash128(fmt.Append(nil, n))
	s := &pb.Session{SessionId: id[:], Visitor: fmt.Sprint("v", n), StartedAt: start, EndedAt: start, Events: uint32(len(actions)),
		Entry: &pb.Entry{Channel: channel, Device: "mobile"}}
	for i, a := range actions {
		st := &pb.Step{Action: a, Ts: start + int64(i), EventId: fmt.Append(nil, n, i)}
		if a == "purchased" {
			st.ValueMinor, st.OrderId = 1000+int64(n), fmt.Sprint("o", n)
		}
		s.Trail = append(s.Trail, st)
	}
	return &pb.Record{Kind: pb.Kind_KIND_SESSION, Store: "demo", Source: &pb.Source{Partition: 3, Offset: offset}, Body: &pb.Record_Session{Session: s}}
}

func tombstone(n int, offset int64) *pb.Record {
	id := event.Hash128(fmt.Append(nil, n))
	return &pb.Record{Kind: pb.Kind_KIND_TOMBSTONE, Store: "demo", Source: &pb.Source{Partition: 3, Offset: offset},
		Body: &pb.Record_Tombstone{Tombstone: &pb.Tombstone{SessionId: id[:], Visitor: fmt.Sprint("v", n)}}}
}

// source delivers the records, numbered from 0, and then ends.
type source struct{ batches chan stream.Batch }

func newSource(t testing.TB, recs []*pb.Record, from int64) *source {
	t.Helper()
	s := &source{batches: make(chan stream.Batch, len(recs)+1)}
	for i := int(from); i < len(recs); i++ {
		b, err := recs[i].MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		s.batches <- stream.Batch{Records: []stream.Record{{Offset: int64(i), Value: b}}, Next: int64(i) + 1}
	}
	close(s.batches)
	return s
}

func (s *source) Batches() <-chan stream.Batch { return s.batches }
func (s *source) Err() error                   { return nil }

func run(t testing.TB, dir string, recs []*pb.Record, out *tables, flush int, fail func(step string) error) error {
	t.Helper()
	st, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	f := cells.New(0, 0, 3)
	if err := f.Load(st, st.Position().Next); err != nil {
		t.Fatal(err)
	}
	c := stream.Config{FlushEvery: 1 << 62, FlushRecords: flush, FailPoint: fail}
	return stream.NewLoop(c, newSource(t, recs, st.Position().Next), f, out, st).Run(context.Background())
}

func content(t testing.TB, dir string) (out []string) {
	t.Helper()
	st, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	err = st.Each(nil, func(k, v []byte) error {
		out = append(out, fmt.Sprintf("%q = %x", k, v))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
