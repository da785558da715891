// Package facts folds one partition of events into rows: the facts as they came, with what only the log tells (late,
// repeated), and what needs no session: orders and refunds.
package facts

import (
	"fmt"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/schemas"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
	"github.com/tributary-data/tributary/services/aggregator/table"
	"github.com/tributary-data/tributary/services/internal/gaps"
	"github.com/tributary-data/tributary/services/internal/records"
)

// Fold of one partition. It implements stream.Fold.
type Fold struct {
	epoch      uint16
	generation uint8
	partition  uint16

	clock  *event.Clock
	stores map[string]*store
	seen   seen
	intake intake
	last   int64 // offset of the last applied record

	records   records.Reader
	events    columns // since the last commit, as are rows
	rows      map[*clickhouse.Table][][]any
	clockMark int64
	gap       gaps.Open
	configs   bool // a setting came since the last commit
	skipped   uint64
}

// store is what the fold knows of one store.
type store struct {
	line    stores.Timeline
	records []*pb.Record // by order of arrival
	saved   int          // of records
}

// New is the fold of an empty log; its progress carries the epoch, facts have none.
func New(epoch uint16, generation uint8, partition uint16) *Fold {
	return &Fold{epoch: epoch, generation: generation, partition: partition, clock: event.NewClock(), stores: map[string]*store{}, seen: newSeen(),
		intake: newIntake(), rows: map[*clickhouse.Table][][]any{}, clockMark: event.Unseen, last: -1}
}

// Watermark of the partition, Unix milliseconds.
func (f *Fold) Watermark() int64 { return f.clock.Watermark() }

// Skipped counts the records that could not be decoded. The sessionizer writes them to dead-letters.
func (f *Fold) Skipped() uint64 { return f.skipped }

// Apply folds one record of events.
func (f *Fold) Apply(r stream.Record) error {
	f.last = r.Offset
	rec, err := f.records.Read(r.Value)
	if err != nil {
		f.skipped++
		return stream.ErrPoison
	}
	driven := rec.Flags&event.EnvelopeDriven != 0
	f.clock.Observe(rec.IngestTs, r.AppendTime, driven)
	if g := f.gap.End(rec.IngestTs); g != nil {
		f.put(&table.Gaps, table.Gap(f.epoch, table.StageEvents, f.generation, f.partition, event.NewVersion(f.generation, f.last), g))
	}
	switch rec.Kind {
	case pb.Kind_KIND_CONFIG:
		added, err := f.setConfig(rec)
		if err != nil {
			return fmt.Errorf("config of store %s: %w", rec.Store, err)
		}
		if added {
			f.put(&table.Configs, f.configRows(rec)...)
			f.configs = true
		}
	case pb.Kind_KIND_EVENT:
		if e := rec.GetEvent(); e != nil {
			ts, flags := event.Clamp(e.EventTs, rec.IngestTs, r.AppendTime, driven)
			e.EventTs, e.Flags = ts, e.Flags|flags
			f.applyEvent(rec, e)
		}
	}
	return nil
}

// Bury passes over a record that the fold failed on: its row among the dead letters says where it is.
func (f *Fold) Bury(r stream.Record, why string) {
	f.last = r.Offset
	f.skipped++
	f.put(&table.DeadLetters, table.Buried(schemas.TopicEvents(f.generation), f.generation, f.partition, f.clock.MaxIngest(), r, why))
}

// Gap passes over records that are gone.
func (f *Fold) Gap(from, to int64) {
	f.last = to - 1
	f.gap.Begin(from, to, f.clock.MinFloor())
}

func (f *Fold) put(t *clickhouse.Table, rows ...[]any) { f.rows[t] = append(f.rows[t], rows...) }

// applyEvent counts the event and makes its rows. A repeat has a row among the events too, since of each key the first
// wins there; everything else is made of first records only.
func (f *Fold) applyEvent(rec *pb.Record, e *pb.Event) {
	late := f.clock.Late(rec.Store, e.EventTs)
	known := f.seen.look(rec, e, f.clock.Watermark(), f.rememberFor(rec))
	f.intake.count(f.events.boxes.text(rec.Store), rec.IngestTs, event.NewVersion(f.generation, f.last), known, late)
	f.events.add(f, rec, e, late)
	if known != first {
		return
	}
	if late {
		f.put(&table.LateEvents, f.lateRow(rec, e))
	}
	switch e.Action {
	case event.Purchased:
		f.put(&table.Orders, f.orderRow(rec, e))
	case event.Refunded:
		if e.OrderId != "" {
			f.put(&table.Refunds, f.refundRow(rec, e))
		}
	}
}

// rememberFor is how long the id of a record is remembered, in milliseconds.
func (f *Fold) rememberFor(rec *pb.Record) int64 {
	lateness := int64(0)
	if s := f.stores[rec.Store]; s != nil {
		lateness = s.line.At(rec.IngestTs).File.Meaning.Lateness.Millis()
	}
	return event.RememberFor(lateness)
}

// setConfig takes a setting; an id that is known already changes nothing.
func (f *Fold) setConfig(rec *pb.Record) (added bool, err error) {
	s, c := f.stores[rec.Store], rec.GetConfig()
	if s == nil {
		s = &store{}
	}
	if added, err = s.line.Add(c.GetConfigId(), c.GetEffectiveFrom(), c.GetFile()); err != nil || !added {
		return false, err
	}
	f.stores[rec.Store] = s
	s.records = append(s.records, rec)
	for _, set := range s.line {
		if set.ID == c.GetConfigId() {
			f.clock.SetLateness(rec.Store, set.From, set.File.Meaning.Lateness.Millis())
		}
	}
	return true, nil
}

// order of the tables in a flush, after the events.
func order() []*clickhouse.Table {
	return []*clickhouse.Table{&table.Configs, &table.LateEvents, &table.Orders, &table.Refunds, &table.DeadLetters, &table.Gaps}
}

// Flush returns the rows since the last Saved, and the progress to be written after them.
func (f *Fold) Flush() (clickhouse.Submission, error) {
	var s clickhouse.Submission
	if len(f.events.offset) > 0 {
		s.Data = append(s.Data, clickhouse.Insert{Table: &table.Events, Blocks: []clickhouse.Block{f.events.block()}})
	}
	for _, t := range order() {
		if rows := f.rows[t]; len(rows) > 0 {
			s.Data = append(s.Data, clickhouse.Insert{Table: t, Rows: rows})
		}
	}
	if rows := f.intake.rows(f.generation, f.partition); len(rows) > 0 {
		s.Data = append(s.Data, clickhouse.Insert{Table: &table.Intake, Rows: rows})
	}
	s.Marks = []clickhouse.Insert{{Table: &table.Progress, Rows: [][]any{{f.epoch, table.StageEvents, f.generation, f.partition,
		uint64(event.NewVersion(f.generation, f.last)), table.Time(f.clock.Watermark()), table.Time(f.clock.MinFloor()), f.last + 1}}}}
	f.seen.forget(f.clock.Watermark())
	f.intake.forget(f.clock.Watermark())
	return s, nil
}
