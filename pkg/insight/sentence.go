package insight

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// percent of a share.
func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// points are percentage points, with a sign.
func points(diff float64) string { return fmt.Sprintf("%+.2f pp", 100*diff) }

func (w *window) arrow(k int) string { return w.steps[k-1] + " > " + w.steps[k] }

func verb(diff float64) string {
	if diff < 0 {
		return "fell"
	}
	return "rose"
}

func (w *window) mixReport(k int, v *view) Report {
	r := w.report(LabelMix, "R3", k, v)
	top := slices.MaxFunc(v.split.Parts, func(a, b Part) int { return cmp.Compare(math.Abs(a.Mix), math.Abs(b.Mix)) })
	r.Segment, r.Z, r.strength = top.Value, v.zMix, math.Abs(v.zMix)
	r.Sentence = fmt.Sprintf("Traffic mix: %s %s disappears once %s is split out; the share of %s went from %s to %s, at a rate of %s. Storefront unchanged.",
		w.arrow(k), points(v.split.Delta), v.dim.name, named(top.Value), percent(top.ShareBefore), percent(top.ShareNow), percent(top.Now.Value()))
	if simpson(v) {
		r.Evidence = append(r.Evidence, "The whole moved one way and its largest segments the other: read no rate of the whole.")
	}
	return r
}

func (w *window) localReport(k int, v *view, t *test) Report {
	r := w.report(LabelLocalised, "R4", k, v)
	r.Segment, r.Z, r.strength = t.part.Value, t.z, math.Abs(t.z)
	r.Sentence = fmt.Sprintf("%s %s only on %s %s: %s -> %s (%s of its traffic).%s", w.arrow(k), verb(t.part.Rate), v.dim.name, named(t.part.Value),
		percent(t.part.Before.Value()), percent(t.part.Now.Value()), percent(t.part.ShareNow), hint(v.dim.name))
	return r
}

// hint says where to look for what moves one segment.
func hint(dimension string) string {
	switch {
	case strings.Contains(dimension, "device"), dimension == "os":
		return " Look at the last release and the front end there."
	case dimension == "country":
		return " Look at shipping and payment coverage there."
	case dimension == "campaign", dimension == "channel", dimension == "landing_path":
		return " Look at the creative and the landing page."
	case strings.HasPrefix(dimension, "variant:"):
		return " Look at the experiment."
	}
	return ""
}

func (w *window) broadReport(k int, v *view) Report {
	if w.upstream(k) {
		r := w.report(LabelUpstream, "R5", k, v)
		r.Dimension = ""
		r.Sentence = fmt.Sprintf("Upstream: %s %s in every segment, %s -> %s: check price, stock, merchandising and page speed.",
			w.arrow(k), verb(v.split.Rate), percent(v.split.Before), percent(v.split.Now))
		return r
	}
	r := w.report(LabelDownstream, "R6", k, v)
	r.Dimension = ""
	r.Sentence = fmt.Sprintf("Downstream: %s %s in every segment, %s -> %s: check %s.",
		w.arrow(k), verb(v.split.Rate), percent(v.split.Before), percent(v.split.Now), friction(w.steps[k]))
	return r
}

// upstream tells whether a step (from 0) lies before the checkout: up to cart_added, or in the first half where there is none.
func (w *window) upstream(k int) bool {
	cart := slices.Index(w.steps, "cart_added")
	if cart < 0 {
		cart = (len(w.steps) - 1) / 2
	}
	return k <= cart
}

func friction(action string) string {
	switch action {
	case "checkout_started":
		return "cart friction, such as forced accounts and errors"
	case "shipping_submitted":
		return "shipping cost and delivery times"
	case "payment_submitted", "purchased":
		return "payment errors and the coverage of payment methods"
	}
	return "what changed behind the cart"
}

func (w *window) bothReport(k int, v *view) Report {
	r := w.report(LabelBoth, "R7", k, v)
	r.strength = max(math.Abs(v.z), math.Abs(v.zMix))
	r.Sentence = fmt.Sprintf("Both: %s %s, of which mix of %s %s and rates %s.", w.arrow(k), points(v.split.Delta), v.dim.name,
		points(v.split.Mix), points(v.split.Rate))
	return r
}

func (w *window) trackingReport(k int, d *dimension, value string, fell float64) Report {
	views := w.views(k)
	v := &views[0]
	where := "all traffic"
	for i := range views {
		if views[i].dim == d {
			v, where = &views[i], d.name+" "+named(value)
		}
	}
	r := w.report(LabelTracking, "R1", k, v)
	r.Dimension, r.Segment = "", value
	if d != nil {
		r.Dimension = d.name
	}
	r.Sentence = fmt.Sprintf("Instrumentation: %s stopped being recorded on %s (%s of its events), while the steps behind it hold; behaviour unchanged.",
		w.steps[k], where, percent(fell))
	return r
}

func (l *ledger) outageReport(step int, o Outage) Report {
	from, to := l.steps[step-2], l.steps[step-1]
	return Report{Label: LabelOutage, Rule: "R2", Step: step, From: from, To: to, Outage: &o,
		Sentence: fmt.Sprintf("Outage: %s > %s nearly stopped: %d in the last %d minutes, where %.0f are usual.", from, to, o.Done, o.Minutes, o.Expected)}
}

// named shows an absent value.
func named(value string) string {
	if strings.Trim(value, ",") == "" {
		return "(none)"
	}
	return value
}

// simpson tells whether the whole moved against, or without, its segments that hold most traffic.
func simpson(v *view) bool {
	var against float64
	for _, p := range v.split.Parts {
		if p.Rate*v.split.Delta <= 0 {
			against += (p.ShareBefore + p.ShareNow) / 2
		}
	}
	return against > .8
}
