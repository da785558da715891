package insight

import "gonum.org/v1/gonum/stat/distuv"

const (
	// outageSlack is the share of what is expected that is asked for: hours vary.
	outageSlack = .85
	// outageChance is how unlikely so few must be: with the slack, none of 1,200 clean days pages (scripts/proof diagnose), and at 40 orders an
	// hour half an hour is enough.
	outageChance = 5e-4
	// stopped is the share of what is expected from which a step counts as stopped: where thousands pass, a step that is a
	// quarter worse is as unlikely, and is for the daily windows to explain.
	stopped = .5
)

// outageSpans are the trailing minutes that are looked at, shortest first. Those of 10, 20, 25 and 45 find an outage that began within the next
// longer one, whose good minutes hide it.
func outageSpans() []int { return []int{5, 10, 15, 20, 25, 30, 45, 60, 120} }

// Minute is one minute of a step, counted by occurrence: units of an open session count as well.
type Minute struct {
	// Entered is how many units reached the step before, Done how many took this one.
	Entered, Done int64
	// Usual is the step's rate in this hour of the week, from the weeks before.
	Usual float64
}

// Outage is a step that nearly stopped.
type Outage struct {
	// Minutes is the trailing span that tells it first.
	Minutes int `json:"minutes"`
	// Done units are there, where Expected were usual.
	Done     int64   `json:"done"`
	Expected float64 `json:"expected"`
	// P is the chance of so few if nothing were wrong, with slack taken off.
	P float64 `json:"p"`
}

// TooFew is the chance to see at most x where the Poisson mean λ is expected.
func TooFew(x int64, lambda float64) float64 {
	if lambda <= 0 {
		return 1
	}
	return distuv.Poisson{Lambda: lambda}.CDF(float64(x))
}

// DetectOutage looks back from the last minute over spans of 5 to 120 minutes; ok is false where nothing is wrong, or too little
// happens to tell.
func DetectOutage(minutes []Minute) (o Outage, ok bool) {
	var done int64
	var expected float64
	next := 0
	spans := outageSpans()
	for i := 1; i <= len(minutes) && next < len(spans); i++ {
		m := minutes[len(minutes)-i]
		done += m.Done
		expected += float64(m.Entered) * m.Usual
		if i != spans[next] {
			continue
		}
		next++
		if p := TooFew(done, outageSlack*expected); p < outageChance && float64(done) <= stopped*expected {
			return Outage{Minutes: i, Done: done, Expected: expected, P: p}, true
		}
	}
	return Outage{}, false
}
