package insight

// Labels of a diagnosis, by rule.
const (
	LabelInsufficient = "insufficient" // R0
	LabelTracking     = "tracking"     // R1: events are lost, behaviour is unchanged
	LabelOutage       = "outage"       // R2: a step nearly stopped
	LabelMix          = "mix"          // R3: other people came
	LabelLocalised    = "localised"    // R4: one segment behaves otherwise
	LabelUpstream     = "upstream"     // R5: everybody behaves otherwise, before the cart
	LabelDownstream   = "downstream"   // R6: everybody behaves otherwise, from the cart on
	LabelBoth         = "both"         // R7: mix and rates
	LabelNoChange     = "no_change"    // R8
)

// Report says what moved and why. Rates and their moves are shares, not percent; effects are differences of the step's rate.
type Report struct {
	Label string `json:"label"`
	Rule  string `json:"rule"`
	// Sentence is what an analyst would write.
	Sentence string `json:"sentence"`
	// Days of the window that the finding is about; 0 if it is about minutes.
	Days int `json:"days"`
	// Step that moved: its number from 1, its action and the one before.
	Step int    `json:"step,omitempty"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Dimension and Segment that tell it apart, empty where everybody moved.
	Dimension string `json:"dimension,omitempty"`
	Segment   string `json:"segment,omitempty"`
	// Move of the step's rate, and its parts.
	Move  *Interval `json:"move,omitempty"`
	Mix   float64   `json:"mix"`
	Rate  float64   `json:"rate"`
	Z     float64   `json:"z"`
	Parts []Slice   `json:"parts,omitempty"`
	// Steps are how much each one moved the whole conversion.
	Steps []StepMove `json:"steps,omitempty"`
	// RuledOut and Evidence are sentences.
	RuledOut []string `json:"ruled_out,omitempty"`
	Evidence []string `json:"evidence,omitempty"`
	Outage   *Outage  `json:"outage,omitempty"`
	// Daily are the step's rates, oldest first, of days that have counts.
	Daily []float64 `json:"daily,omitempty"`
	// Windows are what each span came to.
	Windows []Verdict `json:"windows,omitempty"`

	strength float64 // of the finding, in standard errors: to choose among spans
}

// Interval is a rate before and now, with Wilson bounds of 95 %.
type Interval struct {
	Before Bounds `json:"before"`
	Now    Bounds `json:"now"`
}

// Bounds of a rate.
type Bounds struct {
	Rate
	Value float64 `json:"rate"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Slice is what one segment did.
type Slice struct {
	Value       string  `json:"value"`
	Before      Rate    `json:"before"`
	Now         Rate    `json:"now"`
	ShareBefore float64 `json:"share_before"`
	ShareNow    float64 `json:"share_now"`
	Mix         float64 `json:"mix"`
	Rate        float64 `json:"rate"`
	Z           float64 `json:"z"`
}

// StepMove is a step's part in the move of the whole conversion.
type StepMove struct {
	Step         int     `json:"step"`
	Action       string  `json:"action"`
	Before       Rate    `json:"before"`
	Now          Rate    `json:"now"`
	Contribution float64 `json:"contribution"`
}

// Verdict of one span.
type Verdict struct {
	Days  int    `json:"days"`
	Label string `json:"label"`
	Why   string `json:"why,omitempty"`
}

func interval(m MoveRate) *Interval { return &Interval{bounds(m.Before), bounds(m.Now)} }

func bounds(r Rate) Bounds {
	lo, hi := r.Wilson(Z95)
	return Bounds{r, r.Value(), lo, hi}
}

func slicesOf(v *view) []Slice {
	out := make([]Slice, len(v.tests))
	for i, t := range v.tests {
		p := t.part
		out[i] = Slice{p.Value, p.Before, p.Now, p.ShareBefore, p.ShareNow, p.Mix, p.Rate, t.z}
	}
	return out
}
