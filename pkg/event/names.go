package event

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
)

// Canonical actions that the code itself speaks of. All others are rows of the table that NewNames reads.
const (
	PageViewed = "page_viewed"
	Purchased  = "purchased"
	Refunded   = "refunded"
	Identified = "identified"
	// ExperimentViewed says which variation of an experiment somebody was shown.
	ExperimentViewed = "experiment_viewed"
)

// Names maps what protocols call an action onto the canonical vocabulary. It is read-only after NewNames.
type Names struct {
	segment     map[string]string // lower-case track name or <call type> → action
	interactive map[string]bool
}

// NewNames reads the table schemas/events/actions.tsv.
func NewNames(table []byte) (*Names, error) {
	n := &Names{segment: map[string]string{}, interactive: map[string]bool{}}
	lines := bufio.NewScanner(bytes.NewReader(table))
	for at := 1; lines.Scan(); at++ {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 3 || f[1] != "y" && f[1] != "n" {
			return nil, fmt.Errorf("actions table, line %d: expected action, y or n, names", at)
		}
		n.interactive[f[0]] = f[1] == "y"
		for name := range strings.SplitSeq(f[2], "|") {
			if name == "" {
				continue
			}
			key := strings.ToLower(name)
			if other, taken := n.segment[key]; taken {
				return nil, fmt.Errorf("actions table, line %d: %q stands for %s already", at, name, other)
			}
			n.segment[key] = f[0]
		}
	}
	return n, lines.Err()
}

// Segment is the canonical action of a Segment call. A track name that the table lacks is the store's own: lower
// case, words joined by underscores.
func (n *Names) Segment(callType, track string) string {
	if callType != "track" {
		return n.segment["<"+callType+">"]
	}
	lower := strings.ToLower(track)
	if a, ok := n.segment[lower]; ok {
		return a
	}
	return strings.Join(strings.Fields(lower), "_")
}

// Interactive tells whether an action opens and extends sessions. A store's own actions do.
func (n *Names) Interactive(action string) bool {
	known, ok := n.interactive[action]
	return known || !ok
}
