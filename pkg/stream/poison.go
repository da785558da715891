package stream

import (
	"fmt"
	"time"
)

// ApplyError says that a fold failed on a record. State and record alone decide that, so the next try fails too, wherever it is made.
type ApplyError struct {
	Offset int64
	Err    error
}

// Error names the offset and the cause, which Unwrap gives.
func (e *ApplyError) Error() string { return fmt.Sprintf("apply offset %d: %v", e.Offset, e.Err) }

// Unwrap gives the cause.
func (e *ApplyError) Unwrap() error { return e.Err }

// poison counts the records that a partition passes over. A few are somebody's mistake; many mean that a program is wrong, ours or
// the one that writes them, and to pass over them all would be to lose data.
type poison struct {
	limit  int
	minute int64 // of the log, where it tells its time, else of the clock
	count  int
}

// met counts one, and halts the partition when there are too many.
func (p *poison) met(r Record) error {
	at := r.AppendTime
	if at == 0 {
		at = time.Now().UnixMilli()
	}
	if m := at / time.Minute.Milliseconds(); m != p.minute {
		p.minute, p.count = m, 0
	}
	if p.count++; p.count > p.limit {
		return Haltf(ReasonPoison, "more than %d records within a minute could not be read, the last at offset %d: look at the dead letters, and mend what writes them", p.limit, r.Offset)
	}
	return nil
}
