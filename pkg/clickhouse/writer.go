package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"go.uber.org/zap"
)

// Table names a table and the columns that rows of it carry, in order.
type Table struct {
	Name    string
	Columns string
}

// Insert holds rows for one table: one by one, each with a value per column, or in blocks.
type Insert struct {
	Table  *Table
	Rows   [][]any
	Blocks []Block
}

// Block is rows by column: a slice for each column of the table, all of one length. Times are Unix milliseconds, and a
// column of low cardinality is best given as []any of values that were boxed before.
type Block []any

// Len is the number of rows.
func (b Block) Len() int {
	if len(b) == 0 {
		return 0
	}
	return reflect.ValueOf(b[0]).Len()
}

// Rows are the rows one by one, as a reader of them may want to see them.
func (b Block) Rows() [][]any {
	rows := make([][]any, b.Len())
	for i := range rows {
		for _, column := range b {
			rows[i] = append(rows[i], reflect.ValueOf(column).Index(i).Interface())
		}
	}
	return rows
}

// Len is the number of rows.
func (in Insert) Len() int {
	n := len(in.Rows)
	for _, b := range in.Blocks {
		n += b.Len()
	}
	return n
}

// Submission is one flush: Data is acknowledged before Marks are written.
type Submission struct {
	Data  []Insert
	Marks []Insert
}

// Writer joins the flushes of many partitions into few inserts: what arrives while one round is in flight is the
// next round. A round that failed is sent again whole, since rows replace themselves.
type Writer struct {
	db  *DB
	log *zap.Logger

	mu      sync.Mutex
	pending []request
	wake    chan struct{}
}

type request struct {
	Submission
	done chan error
}

// NewWriter prepares a writer; Run serves it.
func NewWriter(db *DB, log *zap.Logger) *Writer {
	return &Writer{db: db, log: log, wake: make(chan struct{}, 1)}
}

// Write queues a flush and waits until its rows are acknowledged.
func (w *Writer) Write(ctx context.Context, s Submission) error {
	if len(s.Data) == 0 && len(s.Marks) == 0 {
		return nil
	}
	done := make(chan error, 1)
	w.mu.Lock()
	w.pending = append(w.pending, request{Submission: s, done: done})
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default: // it is awake already
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run serves rounds until ctx ends.
func (w *Writer) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
		}
		w.mu.Lock()
		taken := w.pending
		w.pending = nil
		w.mu.Unlock()
		if len(taken) == 0 {
			continue
		}
		err := w.round(ctx, taken)
		for _, r := range taken {
			r.done <- err
		}
	}
}

// round inserts all data, then all marks, one insert per table.
func (w *Writer) round(ctx context.Context, taken []request) error {
	var data, marks []Insert
	for _, r := range taken {
		data, marks = join(data, r.Data), join(marks, r.Marks)
	}
	for _, in := range append(data, marks...) {
		if err := w.retry(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

func join(all, more []Insert) []Insert {
next:
	for _, m := range more {
		for i := range all {
			if all[i].Table == m.Table {
				all[i].Rows, all[i].Blocks = append(all[i].Rows, m.Rows...), append(all[i].Blocks, m.Blocks...)
				continue next
			}
		}
		all = append(all, Insert{Table: m.Table, Rows: append([][]any{}, m.Rows...), Blocks: append([]Block{}, m.Blocks...)})
	}
	return all
}

// retry repeats an insert until it is acknowledged, ctx ends, or the server refuses the rows themselves.
func (w *Writer) retry(ctx context.Context, in Insert) error {
	backoff := 50 * time.Millisecond
	for {
		err := w.db.Insert(ctx, in)
		if err == nil {
			return nil
		}
		if permanent(err) {
			return fmt.Errorf("insert %d rows into %s: %w", in.Len(), in.Table.Name, err)
		}
		w.log.Warn("insert failed, trying again", zap.String("table", in.Table.Name), zap.Int("rows", in.Len()), zap.Error(err))
		t := time.NewTimer(backoff)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
		backoff = min(2*backoff, 5*time.Second)
	}
}

// Insert writes rows once. A row that its table refuses is an error that comes back at every try.
func (d *DB) Insert(ctx context.Context, in Insert) error {
	b, err := d.conn.PrepareBatch(ctx, "INSERT INTO "+in.Table.Name+" ("+in.Table.Columns+")")
	if err != nil {
		return err
	}
	for _, row := range in.Rows {
		if err := b.Append(row...); err != nil {
			return errors.Join(errRow, err, b.Abort())
		}
	}
	for _, block := range in.Blocks {
		for i, column := range block {
			if err := b.Column(i).Append(column); err != nil {
				return errors.Join(errRow, fmt.Errorf("column %d: %w", i, err), b.Abort())
			}
		}
	}
	return b.Send()
}

var errRow = errors.New("a row does not fit its table")

// permanent errors come back at every try: rows that do not fit, syntax, missing tables or columns.
func permanent(err error) bool {
	if errors.Is(err, errRow) {
		return true
	}
	var ex *ch.Exception
	if !errors.As(err, &ex) {
		return false
	}
	switch ex.Code {
	case 6, 16, 20, 27, 33, 43, 47, 53, 60, 62, 70, 81:
		return true
	}
	return false
}
