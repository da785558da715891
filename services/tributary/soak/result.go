package soak

import (
	"fmt"
	"time"
)

// Exit codes.
const (
	exitDiffers   = 1
	exitTooLittle = 4
)

// What a minute must at least hold, or the soak has shown nothing.
const (
	minEvents     = 200_000
	minKills      = 20
	minBetween    = 5
	minRebalances = 5
)

// Result of a soak.
type Result struct {
	Seed       uint64  `json:"seed"`
	Seconds    int     `json:"seconds"`
	Broker     string  `json:"broker"`
	Nodes      int     `json:"nodes"`
	Stored     Stored  `json:"stored"`
	Intake     Intake  `json:"intake"`
	Tables     []Table `json:"tables"`
	Counts     Counts  `json:"chaos"`
	Rebalances int     `json:"rebalances"`
	Retries    int64   `json:"retries"`
	// Faults of counts and shared tables, one line each.
	Faults []string `json:"faults,omitempty"`
	// Difference is everything that is not as it should be; 0: exact.
	Difference int `json:"difference"`
	// Lacks is why the soak shows too little; empty: it does not.
	Lacks string `json:"lacks,omitempty"`
	Exit  int    `json:"exit"`
	// Durations in seconds.
	Took map[string]float64 `json:"took_seconds"`
}

// settle sums up and decides.
func (r *Result) settle() {
	r.Difference = r.Stored.difference() + len(r.Faults)
	for _, t := range r.Tables {
		r.Difference += t.Differing
	}
	r.Lacks = r.lacks()
	switch {
	case r.Difference != 0:
		r.Exit = exitDiffers
	case r.Lacks != "":
		r.Exit = exitTooLittle
	}
}

// lacks says what was too little, by what a minute must hold.
func (r *Result) lacks() string {
	share := float64(r.Seconds) / time.Minute.Seconds()
	for _, m := range []struct {
		what     string
		got, min int
	}{
		{"events acknowledged", r.Stored.Acknowledged, minEvents},
		{"kills", r.Counts.Kills, minKills},
		{"kills between outputs and commit", r.Counts.Between, minBetween},
		{"rebalances", r.Rebalances, minRebalances},
	} {
		if float64(m.got) < float64(m.min)*share {
			return fmt.Sprintf("%d %s in %d s, expected at least %.0f: use a machine with less other work", m.got, m.what, r.Seconds, float64(m.min)*share)
		}
	}
	if r.cells() == 0 || r.rows("sessions") == 0 {
		return "no cell or session was compared"
	}
	return ""
}

func (r *Result) cells() int { return r.rows("funnel_cells") }

func (r *Result) rows(table string) int {
	for _, t := range r.Tables {
		if t.Name == table {
			return t.Rows
		}
	}
	return 0
}

// String is the last line.
func (r *Result) String() string {
	return fmt.Sprintf("soak: acked %d, stored %d, cells %d, kills %d, rebalances %d, difference %d",
		r.Stored.Acknowledged, r.Stored.Stored, r.cells(), r.Counts.Kills, r.Rebalances, r.Difference)
}

// details are lines that name what differs.
func (r *Result) details() []string {
	out := append([]string{}, r.Stored.First...)
	out = append(out, r.Faults...)
	return append(out, lines(r.Tables)...)
}
