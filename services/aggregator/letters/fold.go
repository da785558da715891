// Package letters folds one partition of dead-letters into rows.
package letters

import (
	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/schemas"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/aggregator/table"
)

// Fold of one partition. It implements stream.Fold; all it keeps is its place.
type Fold struct {
	epoch      uint16
	generation uint8
	partition  uint16
	rows, gaps [][]any
	skipped    uint64
}

// New is the fold of an empty log; its gaps carry the epoch, letters have none.
func New(epoch uint16, generation uint8, partition uint16) *Fold {
	return &Fold{epoch: epoch, generation: generation, partition: partition}
}

// Skipped counts the records that could not be decoded.
func (f *Fold) Skipped() uint64 { return f.skipped }

// Apply folds one record of dead-letters. A letter that a stage wrote has the place that it comes from as its key, so
// that a repeat is one row; ingest's have their own place.
func (f *Fold) Apply(r stream.Record) error {
	rec := &pb.Record{}
	if err := rec.UnmarshalVT(r.Value); err != nil || rec.GetDeadLetter() == nil {
		f.skipped++
		return stream.ErrPoison
	}
	d := rec.GetDeadLetter()
	topic, partition, offset := d.Topic, uint16(d.Partition), d.Offset
	if topic == "" {
		topic, partition, offset = schemas.TopicDeadLetters, f.partition, r.Offset
	}
	f.rows = append(f.rows, []any{rec.Store, topic, partition, offset, uint64(event.NewVersion(f.generation, r.Offset)), table.Time(rec.IngestTs),
		d.Reason, d.Path, d.Rule, d.Text, d.Protocol, string(d.Original)})
	return nil
}

// Bury passes over a record that the fold failed on. It is a dead letter already.
func (f *Fold) Bury(stream.Record, string) { f.skipped++ }

// Gap tells that letters are missing. They have no time of their own.
func (f *Fold) Gap(from, to int64) {
	f.gaps = append(f.gaps, table.Gap(f.epoch, table.StageLetters, f.generation, f.partition, event.NewVersion(f.generation, to-1), &pb.Gap{FromOffset: from, ToOffset: to}))
}

// Watermark there is none: letters have no time of their own.
func (f *Fold) Watermark() int64 { return event.Unseen }

// Flush returns the rows since the last Saved.
func (f *Fold) Flush() (s clickhouse.Submission, err error) {
	if len(f.rows) > 0 {
		s.Data = []clickhouse.Insert{{Table: &table.DeadLetters, Rows: f.rows}}
	}
	if len(f.gaps) > 0 {
		s.Data = append(s.Data, clickhouse.Insert{Table: &table.Gaps, Rows: f.gaps})
	}
	return s, nil
}

// Save has nothing to stage.
func (f *Fold) Save(stream.Batcher) error { return nil }

// Saved forgets what is durable now.
func (f *Fold) Saved() { f.rows, f.gaps = nil, nil }

// Load has nothing to restore.
func (f *Fold) Load(stream.StateReader, int64) error { return nil }
