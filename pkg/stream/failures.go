package stream

import (
	"errors"
	"time"
)

// failures of one partition's task, and what follows from them.
type failures struct {
	inARow int
	last   time.Time
	failed int64 // offset of the record that Apply failed on last, plus one
	buried map[int64]bool
}

// skip tells which records are buried.
func (f *failures) skip(offset int64) bool { return f.buried[offset] }

const (
	// longestPause between tries of a partition that fails, and quiet after which a failure is the first again.
	longestPause = 30 * time.Second
	quiet        = 2 * longestPause
)

// note takes a failure and returns the pause before the next try. A record that made the fold fail twice, from the same state,
// fails wherever it is tried: it is buried.
func (f *failures) note(err error, recheck time.Duration) time.Duration {
	var apply *ApplyError
	switch {
	case HaltOf(err) != nil:
		return recheck
	case errors.As(err, &apply):
		if f.failed == apply.Offset+1 {
			if f.buried == nil {
				f.buried = map[int64]bool{}
			}
			f.buried[apply.Offset] = true
		}
		f.failed = apply.Offset + 1
		return 0
	}
	now := time.Now()
	if now.Sub(f.last) > quiet {
		f.inARow = 0
	}
	f.last = now
	f.inARow++
	return min(longestPause, 100*time.Millisecond<<min(f.inARow-1, 10))
}
