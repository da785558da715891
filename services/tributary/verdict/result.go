package verdict

import (
	"fmt"
	"strings"

	"github.com/tributary-data/tributary/pkg/sim"
)

// What a full-size run must at least compare, so that an empty comparison cannot pass.
const (
	fullEvents   = 50_000
	minSessions  = 2_000
	minCells     = 5_000
	minPurchases = 50
	minLate      = 10
	minDead      = 5
)

// Verdict is the result of a comparison.
type Verdict struct {
	// Cells, Hours, Occurrences, Sessions, Events and Orders are the numbers of keys compared, on whichever side they are.
	Cells       int `json:"cells"`
	Hours       int `json:"hours"`
	Occurrences int `json:"occurrences"`
	Sessions    int `json:"sessions"`
	Events      int `json:"events"`
	Orders      int `json:"orders"`
	// Purchases among the truth's events.
	Purchases int `json:"purchases"`
	// Duplicates, IDReused, Late, Dead and Refunds are what the views hold; Merges and Switches what the truth says.
	Duplicates int `json:"duplicates"`
	IDReused   int `json:"id_reused"`
	Late       int `json:"late"`
	Dead       int `json:"dead"`
	Merges     int `json:"merges"`
	Switches   int `json:"switches"`
	Refunds    int `json:"refunds"`
	// Difference counts all differences.
	Difference int `json:"difference"`
	// Differences are the first ones, by kind.
	Differences []Difference `json:"differences,omitempty"`
	// Exit code of the verdict.
	Exit int `json:"exit"`

	short []string // what a full-size run lacks
}

// least is one number that a full-size run must reach.
type least struct {
	what      string
	want, got int
}

// leasts of a run. A clean one has nothing that goes wrong.
func (v Verdict) leasts(clean bool) []least {
	out := []least{{"sessions", minSessions, v.Sessions}, {"cells", minCells, v.Cells}, {"purchases", minPurchases, v.Purchases}}
	if !clean {
		out = append(out, least{"duplicates", 1, v.Duplicates}, least{"merges", 1, v.Merges}, least{"switches", 1, v.Switches},
			least{"refunds", 1, v.Refunds}, least{"late events", minLate, v.Late}, least{"dead letters", minDead, v.Dead})
	}
	return out
}

// missing says what a full-size run lacks.
func (v Verdict) missing(h sim.Header) (out []string) {
	if h.Events < fullEvents {
		return nil
	}
	for _, l := range v.leasts(h.Clean) {
		if l.got < l.want {
			out = append(out, fmt.Sprintf("%d %s, expected at least %d", l.got, l.what, l.want))
		}
	}
	return out
}

// Lacks adds something without which the comparison shows too little.
func (v *Verdict) Lacks(what string) {
	v.short = append(v.short, what)
	if v.Exit == 0 {
		v.Exit = ExitTooSmall
	}
}

// settle finds the exit code.
func (v *Verdict) settle(h sim.Header) {
	v.short = v.missing(h)
	switch {
	case v.Difference > 0:
		v.Exit = ExitDiffers
	case len(v.short) > 0:
		v.Exit = ExitTooSmall
	}
}

// Last is the verdict in one line.
func (v Verdict) Last() string {
	return fmt.Sprintf("verdict: %d cells, %d sessions, %d events compared, difference %d", v.Cells, v.Sessions, v.Events, v.Difference)
}

// String says what went wrong on purpose, lists the differences, and ends with the line that Last returns.
func (v Verdict) String() string {
	var b strings.Builder
	if v.Duplicates+v.IDReused+v.Late+v.Dead+v.Merges+v.Switches+v.Refunds > 0 {
		fmt.Fprintf(&b, "on the way: %d repeats, %d ids with another payload, %d too late, %d dead letters, %d sessions bridged, %d user switches, %d refunds\n",
			v.Duplicates, v.IDReused, v.Late, v.Dead, v.Merges, v.Switches, v.Refunds)
	}
	for _, d := range v.Differences {
		fmt.Fprintln(&b, d)
	}
	if more := v.Difference - len(v.Differences); more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	if v.Exit == ExitTooSmall {
		fmt.Fprintf(&b, "too little was compared: %s\n", strings.Join(v.short, "; "))
	}
	b.WriteString(v.Last())
	return b.String()
}
