package stream

import (
	"errors"
	"fmt"
)

// Reason why a partition may not go on by itself. The values are labels of a metric and headings of the runbook.
type Reason string

// Reasons of a halt.
const (
	// ReasonTrimmed: the log's start is behind the offset that the state needs: retention was faster, or someone deleted records.
	ReasonTrimmed Reason = "trimmed"
	// ReasonBeyond: the state is ahead of the log's end: the log lost what it had.
	ReasonBeyond Reason = "beyond_end"
	// ReasonTopic: the topic was deleted and made again under its name.
	ReasonTopic Reason = "other_topic"
	// ReasonDiverged: the log was cut back and written anew (an unclean leader election).
	ReasonDiverged Reason = "diverged"
	// ReasonFingerprint: the last record that the state knows is another one in the log.
	ReasonFingerprint Reason = "fingerprint"
	// ReasonPartitions: the topic has another number of partitions than when the state was made.
	ReasonPartitions Reason = "partitions"
	// ReasonCorrupt: the broker keeps sending a batch with a wrong checksum.
	ReasonCorrupt Reason = "corrupt"
	// ReasonManifest: no checkpoint of the partition can be restored.
	ReasonManifest Reason = "manifest"
	// ReasonState: the local store is damaged, or of another version of the program.
	ReasonState Reason = "state"
	// ReasonPoison: more records than may be skipped in a minute made the fold fail.
	ReasonPoison Reason = "poison"
)

// Halt is an error after which a partition stops until somebody decides: to go on would emit results from a state that misses
// a part of its log (design §3, C4).
type Halt struct {
	Reason Reason
	// Text says what was found, for a person.
	Text string
}

// Error is the text.
func (h *Halt) Error() string { return h.Text }

// Haltf makes a Halt with a text.
func Haltf(r Reason, format string, args ...any) *Halt {
	return &Halt{Reason: r, Text: fmt.Sprintf(format, args...)}
}

// HaltOf finds the Halt in an error; nil if it holds none.
func HaltOf(err error) *Halt {
	var h *Halt
	if errors.As(err, &h) {
		return h
	}
	return nil
}
