package cells

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/funnel"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/aggregator/table"
)

// stageVisitor is the stage column of cells whose units are sessions.
const stageVisitor = "visitor"

// sessionRow is the current value of a session, or its tombstone (s nil), versioned by its place in this fold's log.
func (f *Fold) sessionRow(rec *pb.Record, id event.ID, s *pb.Session) []any {
	created, deleted, visitor := rec.GetTombstone().GetCreatedDay(), uint8(1), rec.GetTombstone().GetVisitor()
	if s != nil {
		created, deleted, visitor = s.CreatedDay, 0, s.Visitor
	} else {
		s = &pb.Session{}
	}
	en := s.Entry
	if en == nil {
		en = &pb.Entry{}
	}
	returning := uint8(0)
	if en.Returning {
		returning = 1
	}
	variants := en.Variants
	if variants == nil {
		variants = map[string]string{} // empty, not absent
	}
	t := trailOf(s.Trail)
	return []any{f.epoch, rec.Store, time.Unix(int64(created)*86400, 0).UTC(), string(id[:]), uint64(event.NewVersion(f.generation, f.last)),
		f.generation, f.partition, deleted, visitor, s.User, table.Time(s.StartedAt), table.Time(s.EndedAt),
		en.Channel, en.Source, en.Medium, en.Campaign, en.Term, en.Content, en.BrandSearch, en.Device, en.Os, en.Browser, en.Country,
		en.LandingPath, returning, s.Events, s.TailEvents, s.EventsHash, s.Flags, t.actions, t.times, t.values, t.products, t.orders,
		funnel.OrdersValue(s.Trail), uint32(funnel.Orders(s.Trail)), en.Consent, variants}
}

// trail is a session's micro-conversions as columns.
type trail struct {
	actions  []string
	times    []time.Time
	values   []int64
	products []string
	orders   []string
}

func trailOf(steps []*pb.Step) trail {
	t := trail{make([]string, len(steps)), make([]time.Time, len(steps)), make([]int64, len(steps)), make([]string, len(steps)), make([]string, len(steps))}
	for i, s := range steps {
		t.actions[i], t.times[i], t.values[i], t.products[i], t.orders[i] = s.Action, table.Time(s.Ts), s.ValueMinor, s.Product, s.OrderId
	}
	return t
}

func (f *Fold) cellRow(k funnel.Key, c *cell) []any {
	return []any{f.epoch, k.Store, stageVisitor, k.Funnel, k.Version, k.Basis, uint32(k.Window), time.Unix(k.Start, 0).UTC(), k.Breakdown,
		strings.Split(k.Values, "\x00"), k.Class, f.generation, f.partition, uint64(c.version), c.Units, c.Implied, c.Value, c.Open, times(c.Times)}
}

// times of steps that nobody reached are empty, not absent.
func times(list []map[int16]int64) []map[int16]int64 {
	out := make([]map[int16]int64, len(list))
	for i, m := range list {
		if out[i] = m; m == nil {
			out[i] = map[int16]int64{}
		}
	}
	return out
}

// Flush returns a row for every key touched since the last Saved, zero rows and tombstones too, and the progress to be
// written after them. Then it evicts what is final.
func (f *Fold) Flush() (clickhouse.Submission, error) {
	var s clickhouse.Submission
	if len(f.sessions) > 0 {
		in := clickhouse.Insert{Table: &table.Sessions}
		for _, id := range slices.SortedFunc(maps.Keys(f.sessions), compareIDs) {
			in.Rows = append(in.Rows, f.sessions[id])
		}
		s.Data = append(s.Data, in)
	}
	if len(f.touchedCells) > 0 {
		in := clickhouse.Insert{Table: &table.Cells}
		for _, k := range slices.SortedFunc(maps.Keys(f.touchedCells), funnel.Key.Compare) {
			in.Rows = append(in.Rows, f.cellRow(k, f.cells[k]))
		}
		s.Data = append(s.Data, in)
	}
	if len(f.gaps) > 0 {
		s.Data = append(s.Data, clickhouse.Insert{Table: &table.Gaps, Rows: f.gaps})
	}
	if len(f.buried) > 0 {
		s.Data = append(s.Data, clickhouse.Insert{Table: &table.DeadLetters, Rows: f.buried})
	}
	w, mark := f.marks()
	s.Marks = []clickhouse.Insert{{Table: &table.Progress, Rows: [][]any{{f.epoch, table.StageSessions, f.generation, f.partition,
		uint64(event.NewVersion(f.generation, f.last)), table.Time(w), table.Time(mark), f.last + 1}}}}
	f.evict(mark)
	return s, nil
}

func compareIDs(a, b event.ID) int { return slices.Compare(a[:], b[:]) }

// marks are W and F: the least over the sources of the lane; nothing is known before the first watermark record.
func (f *Fold) marks() (w, mark int64) {
	if len(f.sources) == 0 {
		return event.Unseen, event.Unseen
	}
	w, mark = 1<<62-1, 1<<62-1
	for _, s := range f.sources { // any order: least values
		w, mark = min(w, s.W), min(mark, s.F)
	}
	return w, mark
}

// Watermark is the least of those of the lane's sources.
func (f *Fold) Watermark() int64 {
	w, _ := f.marks()
	return w
}

// evict drops the units and cells that no record changes any more: a session whose entry is below F is final, a
// tombstone that a watermark has passed is not repeated, a bucket that ends at F or before is final.
func (f *Fold) evict(mark int64) {
	for id, u := range f.units { // any order: each is looked at for itself
		if u.dead && f.repeated(u.source, u.version.Offset()) || !u.dead && u.entry < mark {
			delete(f.units, id)
			f.dirtyUnits[id] = true
		}
	}
	for k := range f.cells {
		if (k.Start+k.Window)*1000 <= mark {
			delete(f.cells, k)
			f.touchedCells[k] = true
		}
	}
}
