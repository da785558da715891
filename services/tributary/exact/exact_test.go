// Package exact tests the two folds together against one oracle that knows neither.
package exact_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/aggregator/cells"
	"github.com/tributary-data/tributary/services/sessionizer/visitor"
)

const (
	minute = int64(60_000)
	start  = 1_790_000_100_000 // a quarter of an hour begins
	limit  = 12                // events of a run that are kept
)

// storeFile of the test: a cap that is reached, campaigns that cut, an optional step.
var storeFile = fmt.Sprintf(`
store: s
edge: {write_keys: [k]}
meaning:
  time_zone: UTC
  currency: EUR
  session_cap: %d
  split_on: [campaign]
  funnels:
    - {name: f, version: 1, breakdowns: [[channel]], steps: [{action: session}, {action: product_viewed, optional: true}, {action: cart_added}, {action: purchased}]}
`, limit)

// TestMain raises the number of random cases.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("10000"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// story is what a visitor did, and in which order, how often and in which flushes it arrived.
type story struct {
	set     []happening
	arrival []int // into set, with repeats
	flushes []bool
}

func tell(t *rapid.T) story {
	var s story
	ts := int64(start)
	for i := range rapid.IntRange(1, 16).Draw(t, "n") {
		ts += rapid.SampledFrom([]int64{0, 1, minute, 5 * minute, 29 * minute, 30 * minute, 30*minute + 1, 50 * minute}).Draw(t, "step")
		h := happening{id: fmt.Sprintf("%02d", i), eventID: event.IDFromMessage(fmt.Sprintf("%02d", i)).String(), ts: ts, sequence: uint32(rapid.IntRange(0, 1).Draw(t, "sequence")), channel: "Direct",
			user:        rapid.SampledFrom([]string{"", "", "", "u", "w"}).Draw(t, "user"),
			action:      rapid.SampledFrom([]string{"page_viewed", "product_viewed", "cart_added", "purchased"}).Draw(t, "action"),
			campaign:    rapid.SampledFrom([]string{"", "", "", "", "x", "y"}).Draw(t, "campaign"),
			interactive: rapid.IntRange(0, 5).Draw(t, "sessionless") > 0}
		if h.campaign != "" {
			h.channel = "Email"
		}
		s.set = append(s.set, h)
	}
	order := make([]int, len(s.set))
	for i := range order {
		order[i] = i
	}
	s.arrival = rapid.Permutation(order).Draw(t, "arrival")
	for range rapid.IntRange(0, 4).Draw(t, "repeats") {
		at := rapid.IntRange(0, len(s.arrival)).Draw(t, "at")
		s.arrival = slices.Insert(s.arrival, at, rapid.SampledFrom(order).Draw(t, "again"))
	}
	s.flushes = rapid.SliceOfN(rapid.Bool(), len(s.arrival), len(s.arrival)).Draw(t, "flushes")
	return s
}

func record(t *rapid.T, h happening, ingest int64) []byte {
	id := event.IDFromMessage(h.id)
	r := &pb.Record{Kind: pb.Kind_KIND_EVENT, Store: "s", IngestTs: ingest, Body: &pb.Record_Event{Event: &pb.Event{EventId: id[:],
		Visitor: "v", User: h.user, Action: h.action, Interactive: h.interactive, EventTs: h.ts, Sequence: h.sequence,
		Entry: &pb.Entry{Channel: h.channel, Campaign: h.campaign}}}}
	return must(t, r)
}

func must(t *rapid.T, r *pb.Record) []byte {
	b, err := r.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pipeline is both folds, one behind the other, and the tables that they fill.
type pipeline struct {
	visitor *visitor.Fold
	cells   *cells.Fold
	in, out int64

	sessions map[string]*pb.Session    // between the folds, by id
	rows     map[string]map[string]any // table and key → the row with the highest version
}

func newPipeline(t *rapid.T) *pipeline {
	p := &pipeline{visitor: visitor.NewFold("events.g0", 0, 0), cells: cells.New(0, 0, 0), rows: map[string]map[string]any{}, sessions: map[string]*pb.Session{}}
	return p
}

func (p *pipeline) config(t *rapid.T, id, file string, from int64) {
	p.apply(t, must(t, &pb.Record{Kind: pb.Kind_KIND_CONFIG, Store: "s", Body: &pb.Record_Config{Config: &pb.Config{ConfigId: id, File: []byte(file), EffectiveFrom: from}}}))
}

func (p *pipeline) apply(t *rapid.T, value []byte) {
	if err := p.visitor.Apply(stream.Record{Offset: p.in, Value: value}); err != nil {
		t.Fatal(err)
	}
	p.in++
}

func (p *pipeline) flush(t *rapid.T) {
	out, err := p.visitor.Flush()
	if err != nil {
		t.Fatal(err)
	}
	p.visitor.Saved()
	for _, m := range out.Sessions {
		p.hear(t, m.Value)
		if err := p.cells.Apply(stream.Record{Offset: p.out, Value: m.Value}); err != nil {
			t.Fatal(err)
		}
		p.out++
	}
	rows, err := p.cells.Flush()
	if err != nil {
		t.Fatal(err)
	}
	p.write(rows)
	p.cells.Saved()
}

func (p *pipeline) write(s clickhouse.Submission) {
	keys := map[string][]string{"tributary.sessions": {"session_id"}, "tributary.funnel_cells": {"funnel_version", "basis", "window_seconds", "window_start", "values", "class"}}
	for _, in := range s.Data {
		for _, values := range in.Rows {
			row := map[string]any{"table": in.Table.Name}
			for i, c := range strings.Split(strings.ReplaceAll(in.Table.Columns, " ", ""), ",") {
				row[c] = values[i]
				if list, ok := values[i].([]int64); ok {
					row[c] = slices.Clone(list)
				}
			}
			key := in.Table.Name
			for _, c := range keys[in.Table.Name] {
				key += fmt.Sprint("|", row[c])
			}
			if old := p.rows[key]; old == nil || row["version"].(uint64) >= old["version"].(uint64) {
				p.rows[key] = row
			}
		}
	}
}

// result lists sessions and cells as the oracle does.
func (p *pipeline) result(set []happening) (sessions, cells []string) {
	name := map[string]string{}
	for _, h := range set {
		name[event.IDFromMessage(h.id).String()] = h.id
	}
	for _, s := range p.sessions {
		ids := []string{}
		for _, st := range s.Trail {
			if st.Flags&2 == 0 { // not one that joined
				ids = append(ids, name[hex.EncodeToString(st.EventId)])
			}
		}
		slices.Sort(ids)
		sessions = append(sessions, fmt.Sprint(strings.Join(ids, ","), " +", s.TailEvents))
	}
	for _, row := range p.rows {
		units, _ := row["units"].([]int64)
		if row["table"] != "tributary.funnel_cells" || row["basis"] != "entry" || row["window_seconds"] != uint32(900) || units[0] == 0 {
			continue
		}
		key := fmt.Sprint(row["window_start"].(interface{ Unix() int64 }).Unix()/900, " ", row["values"].([]string)[0], " ", row["funnel_version"])
		cells = append(cells, fmt.Sprint(key, " ", units, " implied ", row["implied"].([]int64)[1]))
	}
	slices.Sort(sessions)
	slices.Sort(cells)
	return sessions, cells
}

// hear keeps a record of the topic between the folds as a reader does: a later word replaces an earlier one.
func (p *pipeline) hear(t *rapid.T, value []byte) {
	r := &pb.Record{}
	if err := r.UnmarshalVT(value); err != nil {
		t.Fatal(err)
	}
	if s := r.GetSession(); s != nil {
		p.sessions[string(s.SessionId)] = s
	}
	if s := r.GetTombstone(); s != nil {
		delete(p.sessions, string(s.SessionId))
	}
}

// equal fails unless sessions, cells and the table of sessions are the oracle's.
func (p *pipeline) equal(t *rapid.T, set []happening, r rules) {
	wantSessions, wantCells := oracle(slices.Clone(set), r)
	gotSessions, gotCells := p.result(set)
	if !slices.Equal(gotSessions, wantSessions) {
		t.Fatalf("sessions:\ngot  %q\nwant %q", gotSessions, wantSessions)
	}
	if !slices.Equal(gotCells, wantCells) {
		t.Fatalf("cells:\ngot  %q\nwant %q", gotCells, wantCells)
	}
	live := 0
	for _, row := range p.rows {
		if row["table"] == "tributary.sessions" && row["deleted"] == uint8(0) {
			live++
		}
	}
	if live != len(wantSessions) {
		t.Fatalf("%d live session rows, want %d", live, len(wantSessions))
	}
}

// Ensure that whatever the order of arrival, the repeats and the flushes, sessions and cells are the oracle's: with users
// that switch, campaigns that cut, runs that are capped, and events without a session.
func TestFoldsEqualTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := tell(t)
		p := newPipeline(t)
		p.config(t, "1", storeFile, 0)
		for i, at := range s.arrival {
			p.apply(t, record(t, s.set[at], start+20*60*minute))
			if s.flushes[i] {
				p.flush(t)
			}
		}
		p.flush(t)
		p.equal(t, s.set, rules{limit: limit, moment: math.MaxInt64, before: rule{gap: 30 * minute, version: 1}})
	})
}
