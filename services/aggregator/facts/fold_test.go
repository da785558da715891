package facts_test

import (
	"errors"
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
	"github.com/tributary-data/tributary/services/aggregator/facts"
)

const hour = int64(3_600_000)

func record(t testing.TB, offset int64, r *pb.Record) stream.Record {
	t.Helper()
	b, err := r.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return stream.Record{Offset: offset, AppendTime: r.IngestTs, Value: b}
}

func eventAt(ts, ingest int64, message string) *pb.Record {
	id := event.IDFromMessage(message)
	return &pb.Record{Kind: pb.Kind_KIND_EVENT, Store: "demo", IngestTs: ingest, Body: &pb.Record_Event{Event: &pb.Event{
		EventId: id[:], MessageId: message, Visitor: "a", Action: "page_viewed", Interactive: true, EventTs: ts, Money: &pb.Money{Minor: 5, Currency: "EUR"}}}}
}

func config() *pb.Record {
	return &pb.Record{Kind: pb.Kind_KIND_CONFIG, Store: "demo", Body: &pb.Record_Config{Config: &pb.Config{ConfigId: "1", File: stores.Demo()}}}
}

// rowsOf an insert, however it holds them.
func rowsOf(in clickhouse.Insert) [][]any {
	rows := in.Rows
	for _, b := range in.Blocks {
		rows = append(rows, b.Rows()...)
	}
	return rows
}

// column of all rows that a submission has for a table.
func column(t testing.TB, inserts []clickhouse.Insert, table, name string) (out []string) {
	t.Helper()
	for _, in := range inserts {
		if in.Table.Name != table {
			continue
		}
		columns := strings.Split(strings.ReplaceAll(in.Table.Columns, " ", ""), ",")
		at := slices.Index(columns, name)
		for _, r := range rowsOf(in) {
			if len(r) != len(columns) {
				t.Fatalf("%s: %d values for %d columns", table, len(r), len(columns))
			}
			out = append(out, fmt.Sprint(r[at]))
		}
	}
	return out
}

// Ensure that lateness is decided at the record's own offset, that the first of an id has the highest version, and that
// progress comes apart from the data.
func TestRows(t *testing.T) {
	f := facts.New(0, 0, 3)
	now := 48 * hour
	floor := now - 24*hour - event.Allowance
	for i, r := range []*pb.Record{config(), eventAt(floor-1, now-hour, "before the floor rose"), eventAt(now, now, "on time"),
		eventAt(floor, now, "at the floor"), eventAt(floor-1, now, "late"), config()} {
		if err := f.Apply(record(t, int64(i), r)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Apply(stream.Record{Offset: 6, Value: []byte("\xff\xff")}); !errors.Is(err, stream.ErrPoison) || f.Skipped() != 1 {
		t.Errorf("an undecodable record: %v, %d skipped", err, f.Skipped())
	}
	s, err := f.Flush()
	if err != nil {
		t.Fatal(err)
	}
	if got := column(t, s.Data, "tributary.events", "late"); !slices.Equal(got, []string{"0", "0", "0", "1"}) {
		t.Errorf("late: got %v", got)
	}
	versions := column(t, s.Data, "tributary.events", "version")
	if !slices.IsSortedFunc(versions, func(a, b string) int { return -strings.Compare(a, b) }) {
		t.Errorf("versions %v do not fall", versions)
	}
	if got := column(t, s.Data, "tributary.store_configs", "funnel"); !slices.Equal(got, []string{"purchase"}) {
		t.Errorf("configs: got %v, want one row", got)
	}
	if got := column(t, s.Marks, "tributary.progress", "offset"); !slices.Equal(got, []string{"7"}) {
		t.Errorf("progress: got %v", got)
	}
	f.Saved()
	if s, _ := f.Flush(); len(s.Data) != 0 {
		t.Error("what is durable is written again")
	}
}

// Ensure that a restored fold decides as the one that it replaces.
func TestLoad(t *testing.T) {
	st, err := state.Open(t.TempDir(), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	f := facts.New(0, 0, 3)
	for i, r := range []*pb.Record{config(), eventAt(48*hour, 48*hour, "1")} {
		if err := f.Apply(record(t, int64(i), r)); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Commit(stream.From(2), f.Save); err != nil {
		t.Fatal(err)
	}
	back := facts.New(0, 0, 3)
	if err := back.Load(st, st.Position().Next); err != nil {
		t.Fatal(err)
	}
	for i, r := range []*pb.Record{config(), eventAt(hour, 48*hour, "2")} {
		if err := back.Apply(record(t, int64(i+2), r)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := back.Flush()
	if err != nil {
		t.Fatal(err)
	}
	if got := column(t, s.Data, "tributary.events", "late"); !slices.Equal(got, []string{"1"}) {
		t.Errorf("late: got %v, want the floor of the log's earlier part", got)
	}
	if got := column(t, s.Data, "tributary.store_configs", "funnel"); got != nil {
		t.Errorf("a known config was written again: %v", got)
	}
}

// Ensure that where flushes fall shows neither in the rows nor in the store.
func TestFlushPositionsDoNotShow(t *testing.T) {
	var log []stream.Record
	for i := range int64(200) {
		r := eventAt(i*hour/2-i%7*20*hour, i*hour/2, fmt.Sprint(i))
		if i == 0 {
			r = config()
		}
		log = append(log, record(t, i, r))
	}
	var wantRows, wantStore []string
	for _, flush := range []int64{1000, 7, 1} {
		st, err := state.Open(t.TempDir(), state.Options{})
		if err != nil {
			t.Fatal(err)
		}
		f, rows, intake := facts.New(0, 0, 3), []string(nil), map[string]string{}
		for i, r := range log {
			if err := f.Apply(r); err != nil {
				t.Fatal(err)
			}
			if (int64(i)+1)%flush != 0 && i < len(log)-1 {
				continue
			}
			s, err := f.Flush()
			if err != nil {
				t.Fatal(err)
			}
			for _, in := range s.Data {
				for _, row := range rowsOf(in) {
					if in.Table.Name == "tributary.intake" {
						intake[fmt.Sprint(row[:4])] = fmt.Sprint(row) // absolute values: the last one counts
						continue
					}
					rows = append(rows, fmt.Sprint(in.Table.Name, row))
				}
			}
			if err := st.Commit(stream.From(r.Offset+1), f.Save); err != nil {
				t.Fatal(err)
			}
			f.Saved()
		}
		slices.Sort(rows) // tables come one after the other in a flush
		for _, h := range slices.Sorted(maps.Keys(intake)) {
			rows = append(rows, intake[h])
		}
		var store []string
		err = st.Each(nil, func(k, v []byte) error { store = append(store, fmt.Sprintf("%q=%x", k, v)); return nil })
		if err != nil || st.Close() != nil {
			t.Fatal(err)
		}
		if wantRows == nil {
			wantRows, wantStore = rows, store
		}
		if !slices.Equal(rows, wantRows) || !slices.Equal(store, wantStore) {
			t.Errorf("flushes of %d: rows or store differ", flush)
		}
	}
}

// Ensure that records are counted by what they are: unique, repeated, reused with another payload, late; per store and
// visitor; and remembered over a restart.
func TestIntake(t *testing.T) {
	st, err := state.Open(t.TempDir(), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	now := 100 * hour
	other, reusedID := eventAt(now, now+1, "1"), eventAt(now, now+1, "1")
	other.GetEvent().Visitor = "b"
	reusedID.GetEvent().PayloadHash = 9
	log := []*pb.Record{config(), eventAt(now, now, "1"), eventAt(now, now+600_000, "1"), reusedID, other, eventAt(now-30*hour, now+2, "2"), eventAt(now-30*hour, now+3, "2"),
		eventAt(now, now+49*hour+event.Allowance, "1")}
	var counts []string
	for i, r := range log {
		f := facts.New(0, 0, 3) // every record by a new owner
		if err := f.Load(st, st.Position().Next); err != nil {
			t.Fatal(err)
		}
		if err := f.Apply(record(t, int64(i), r)); err != nil {
			t.Fatal(err)
		}
		s, err := f.Flush()
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range s.Data {
			if in.Table.Name == "tributary.intake" {
				counts = append(counts, fmt.Sprint(in.Rows[len(in.Rows)-1][5:]))
			}
		}
		if err := st.Commit(stream.From(int64(i)+1), f.Save); err != nil {
			t.Fatal(err)
		}
	}
	// records, unique, duplicate, late, id_reused
	want := []string{"[1 1 0 0 0]", "[2 1 1 0 0]", "[3 1 1 0 1]", "[4 2 1 0 1]", "[5 3 1 1 1]", "[6 3 2 2 1]", "[1 0 1 1 0]"}
	if !slices.Equal(counts, want) {
		t.Errorf("got  %v\nwant %v", counts, want)
	}
}

// Ensure that late events have rows of their own, that orders and refunds know no lateness, and what they hold.
func TestLateEventsOrdersRefunds(t *testing.T) {
	f := facts.New(0, 0, 3)
	now := 100 * hour
	money := func(r *pb.Record, action, order string, m *pb.Money) *pb.Record {
		r.GetEvent().Action, r.GetEvent().OrderId, r.GetEvent().Money, r.GetEvent().Origin = action, order, m, "webhook"
		return r
	}
	reused := money(eventAt(now, now, "3"), "purchased", "o8", &pb.Money{Minor: 8, Currency: "EUR"})
	reused.GetEvent().PayloadHash = 9
	for i, r := range []*pb.Record{config(), eventAt(now, now, "1"),
		money(eventAt(now-40*hour, now, "2"), "purchased", "o1", &pb.Money{Minor: 1200, Currency: "EUR"}),
		money(eventAt(now, now, "3"), "purchased", "", &pb.Money{Minor: 5, Currency: "XXX"}),
		money(eventAt(now, now, "4"), "refunded", "o1", nil),
		money(eventAt(now, now, "5"), "refunded", "", nil),
		money(eventAt(now, now, "3"), "purchased", "o9", &pb.Money{Minor: 7, Currency: "EUR"}), // repeats make nothing
		eventAt(now-40*hour, now, "1"), reused} {
		if err := f.Apply(record(t, int64(i), r)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := f.Flush()
	if err != nil {
		t.Fatal(err)
	}
	if got := column(t, s.Data, "tributary.late_events", "offset"); !slices.Equal(got, []string{"2"}) {
		t.Errorf("late events: got %v", got)
	}
	id := event.IDFromMessage("3").String()
	for name, want := range map[string][]string{"order_id": {"o1", "event:" + id}, "base_value_minor": {"1200", "0"}, "currency_unknown": {"0", "1"}, "source": {"webhook", "webhook"}} {
		if got := column(t, s.Data, "tributary.orders", name); !slices.Equal(got, want) {
			t.Errorf("orders, %s: got %v, want %v", name, got, want)
		}
	}
	if got := column(t, s.Data, "tributary.refunds", "whole"); !slices.Equal(got, []string{"1"}) {
		t.Errorf("refunds: got %v", got)
	}
}

func BenchmarkFold(b *testing.B) {
	log := []stream.Record{record(b, 0, config())}
	for i := range int64(1000) {
		log = append(log, record(b, i+1, eventAt(i, i, fmt.Sprint(i))))
	}
	b.ReportAllocs()
	for b.Loop() {
		f := facts.New(0, 0, 0)
		for _, r := range log {
			if err := f.Apply(r); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(log)), "ns/event")
}
