// Package facts folds one partition of events into rows: the facts as they came, with what only the log tells (late).
package facts

import (
	"fmt"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
	"github.com/tributary-data/tributary/services/aggregator/table"
)

// flagDriven marks records of a driven clock in an envelope's flags.
const flagDriven = 1

// Keys of the store: c/<store> → config record, w → clock.
const (
	prefixConfig = "c/"
	keyClock     = "w"
)

// Fold of one partition. It implements stream.Fold.
type Fold struct {
	generation uint8
	partition  uint16

	clock      *event.Clock
	configs    map[string]*pb.Record // by store
	newConfigs map[string]bool
	clockMark  int64
	last       int64
	events     [][]any
	configRows [][]any
	skipped    uint64
}

// New is the fold of an empty log.
func New(generation uint8, partition uint16) *Fold {
	return &Fold{generation: generation, partition: partition, clock: event.NewClock(), configs: map[string]*pb.Record{},
		newConfigs: map[string]bool{}, clockMark: event.Unseen, last: -1}
}

// Watermark of the partition, Unix milliseconds.
func (f *Fold) Watermark() int64 { return f.clock.Watermark() }

// Skipped counts the records that could not be decoded.
func (f *Fold) Skipped() uint64 { return f.skipped }

// Apply folds one record of events.
func (f *Fold) Apply(r stream.Record) error {
	f.last = r.Offset
	rec := &pb.Record{}
	if err := rec.UnmarshalVT(r.Value); err != nil {
		f.skipped++
		return nil
	}
	driven := rec.Flags&flagDriven != 0
	f.clock.Observe(rec.IngestTs, r.AppendTime, driven)
	switch rec.Kind {
	case pb.Kind_KIND_CONFIG:
		if old := f.configs[rec.Store]; old != nil && old.GetConfig().GetConfigId() == rec.GetConfig().GetConfigId() {
			return nil
		}
		rows, err := f.setConfig(rec)
		if err != nil {
			return fmt.Errorf("config of store %s: %w", rec.Store, err)
		}
		f.configRows = append(f.configRows, rows...)
		f.newConfigs[rec.Store] = true
	case pb.Kind_KIND_EVENT:
		if e := rec.GetEvent(); e != nil {
			ts, flags := event.Clamp(e.EventTs, rec.IngestTs, r.AppendTime, driven)
			e.EventTs, e.Flags = ts, e.Flags|flags
			f.events = append(f.events, f.row(rec, e, r.Offset))
		}
	}
	return nil
}

// setConfig takes a config and returns its rows. All partitions write the same rows for one config, so its own id and
// date are all that versions them.
func (f *Fold) setConfig(rec *pb.Record) ([][]any, error) {
	c := rec.GetConfig()
	file, err := stores.Parse(c.GetFile())
	if err != nil {
		return nil, err
	}
	f.clock.SetLateness(rec.Store, file.Meaning.Lateness.Millis())
	f.configs[rec.Store] = rec
	var rows [][]any
	for _, fu := range file.Meaning.Funnels {
		steps := make([]string, len(fu.Steps))
		for i, s := range fu.Steps {
			steps[i] = s.Action
		}
		rows = append(rows, []any{rec.Store, c.ConfigId, table.Time(c.EffectiveFrom), uint64(c.EffectiveFrom),
			file.Meaning.TimeZone, string(c.File), fu.Name, fu.Version, steps})
	}
	return rows, nil
}

// row of one event: the first record of an id wins, so the version is the complement of its place.
func (f *Fold) row(rec *pb.Record, e *pb.Event, offset int64) []any {
	late := uint8(0)
	if f.clock.Late(rec.Store, e.EventTs) {
		late = 1
	}
	interactive := uint8(0)
	if e.Interactive {
		interactive = 1
	}
	en, m := e.Entry, e.Money
	if en == nil {
		en = &pb.Entry{}
	}
	return []any{rec.Store, e.Visitor, string(e.EventId), event.NewVersion(f.generation, offset).Complement(), f.generation, f.partition, offset,
		table.Time(rec.IngestTs), table.Time(e.EventTs), table.Time(e.OriginalTs), table.Time(e.SentTs), e.Sequence, late, e.Flags, e.User, e.Action, interactive,
		e.MessageId, e.Url, e.Path, e.Title, e.Referrer,
		en.Channel, en.Source, en.Medium, en.Campaign, en.Term, en.Content, en.BrandSearch, en.ClickIdKind, en.ClickId, en.Device, en.Os, en.Browser, en.Country,
		e.Product, e.Quantity, m.GetMinor(), m.GetCurrency(), e.OrderId, e.CartToken, e.CheckoutToken, e.PayloadHash, string(e.Properties), e.Protocol, e.Origin}
}

// Flush returns the rows since the last Saved, and the progress to be written after them.
func (f *Fold) Flush() (clickhouse.Submission, error) {
	var s clickhouse.Submission
	if len(f.configRows) > 0 {
		s.Data = append(s.Data, clickhouse.Insert{Table: &table.Configs, Rows: f.configRows})
	}
	if len(f.events) > 0 {
		s.Data = append(s.Data, clickhouse.Insert{Table: &table.Events, Rows: f.events})
	}
	s.Marks = []clickhouse.Insert{{Table: &table.Progress, Rows: [][]any{{uint16(0), table.StageEvents, f.generation, f.partition,
		uint64(event.NewVersion(f.generation, f.last)), table.Time(f.clock.Watermark()), table.Time(f.clock.MinFloor()), f.last + 1}}}}
	return s, nil
}

// Save stages what changed since the last commit.
func (f *Fold) Save(b stream.Batcher) error {
	for store := range f.newConfigs {
		v, err := f.configs[store].MarshalVT()
		if err != nil {
			return err
		}
		if err := b.Set([]byte(prefixConfig+store), v); err != nil {
			return err
		}
	}
	if f.clock.MaxIngest() == f.clockMark && len(f.newConfigs) == 0 {
		return nil
	}
	return b.Set([]byte(keyClock), f.clock.Snapshot())
}

// Saved forgets what is durable now.
func (f *Fold) Saved() {
	clear(f.newConfigs)
	f.events, f.configRows = nil, nil
	f.clockMark = f.clock.MaxIngest()
}

// Load restores the fold from its store.
func (f *Fold) Load(r stream.StateReader, next int64) error {
	f.last = next - 1
	err := r.Each([]byte(prefixConfig), func(_, value []byte) error {
		rec := &pb.Record{}
		if err := rec.UnmarshalVT(value); err != nil {
			return err
		}
		_, err := f.setConfig(rec)
		return err
	})
	if err != nil {
		return fmt.Errorf("load configs: %w", err)
	}
	if err := r.Each([]byte(keyClock), func(_, v []byte) error { return f.clock.Restore(v) }); err != nil {
		return fmt.Errorf("load clock: %w", err)
	}
	f.clockMark = f.clock.MaxIngest()
	return nil
}
