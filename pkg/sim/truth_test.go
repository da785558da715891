package sim

import (
	"maps"
	"slices"
	"testing"
)

func TestCellsSumToSessions(t *testing.T) {
	d := clean(t, Config{Seed: 2})
	var entered, implied, value, wantImplied, wantValue int64
	for _, c := range d.Truth.Cells {
		if c.Step == 1 {
			entered += c.Units
			value += c.ObservedValue
		}
		implied += c.Implied
		if c.Entered < 1 || c.Units > c.Entered || c.Implied > c.Units {
			t.Fatalf("cell %+v", c)
		}
	}
	for _, s := range d.Truth.Sessions {
		wantImplied += int64(len(s.Implied))
		wantValue += s.ValueMinor
	}
	if entered != int64(len(d.Truth.Sessions)) || implied != wantImplied || value != wantValue {
		t.Errorf("cells hold %d units, %d implied, %d minor units; sessions %d, %d, %d", entered, implied, value, len(d.Truth.Sessions), wantImplied, wantValue)
	}
}

// TestSessionsByPairs checks the cut from the events alone: two interactive events of a visitor share a session iff
// no pause between them, over the sorted times, is longer than the gap. It also wants pauses on the very edge.
func TestSessionsByPairs(t *testing.T) {
	d := clean(t, Config{Seed: 4})
	byVisitor := map[string][]Event{}
	for _, e := range d.Truth.Events {
		if (e.Action != "identified") != (e.Session >= 0) {
			t.Fatalf("event %+v is in session %d", e, e.Session)
		}
		if e.Session >= 0 {
			byVisitor[e.Visitor] = append(byVisitor[e.Visitor], e)
		}
	}
	const gap = 1_800_000
	pauses, members := map[int64]int{}, map[int]int{}
	for _, es := range byVisitor {
		for i, e := range es {
			members[e.Session]++
			s := d.Truth.Sessions[e.Session]
			if s.Visitor != e.Visitor || e.At < s.StartedAt || e.At > s.EndedAt || s.Window%900 != 0 || s.StartedAt/1000-s.Window >= 900 {
				t.Fatalf("event %+v in session %+v", e, s)
			}
			if i == 0 {
				continue
			}
			pauses[e.At-es[i-1].At]++
			if same := es[i-1].Session == e.Session; same != (e.At-es[i-1].At <= gap) {
				t.Fatalf("pause of %d ms, same session: %t", e.At-es[i-1].At, same)
			}
		}
	}
	for i, s := range d.Truth.Sessions {
		if s.Events != members[i] || s.Index != i {
			t.Fatalf("session %+v has %d events", s, members[i])
		}
	}
	for _, edge := range []int64{gap - 1, gap, gap + 1} {
		if pauses[edge] == 0 {
			t.Errorf("no pause of %d ms", edge)
		}
	}
}

// TestLevelByDefinition states what a level is, instead of walking: the furthest step of which all required earlier
// steps happened before it.
func TestLevelByDefinition(t *testing.T) {
	d := clean(t, Config{Seed: 6})
	runs := map[int][]*hit{}
	for _, h := range d.hits {
		if h.session >= 0 {
			runs[h.session] = append(runs[h.session], h)
		}
	}
	tied, loose := 0, 0
	for i, s := range d.Truth.Sessions {
		want, implied := define(runs[i])
		if s.Level != want || !slices.Equal(s.Implied, implied) {
			t.Fatalf("session %+v: expected level %d, implied %v", s, want, implied)
		}
		if s.Level < 3 && s.Orders > 0 {
			loose++
		}
		for j, h := range runs[i][1:] {
			if h.at == runs[i][j].at {
				tied++
			}
		}
	}
	if tied == 0 || loose == 0 {
		t.Errorf("%d ties, %d orders without a cart: the day does not try the rules", tied, loose)
	}
}

func define(run []*hit) (level int, implied []int) {
	at := map[string][]int64{}
	for _, h := range run {
		at[h.kind.action] = append(at[h.kind.action], h.at)
	}
	if len(at["cart_added"]) == 0 {
		if len(at["product_viewed"]) > 0 {
			return 2, nil
		}
		return 1, nil
	}
	carted := at["cart_added"][0]
	reached := map[int]int64{3: carted} // step -> its first time after the cart
	for k := 4; k <= 7; k++ {
		for _, x := range at[full[k-1].action] {
			if x >= carted {
				reached[k] = x
				break
			}
		}
	}
	level = slices.Max(slices.Collect(maps.Keys(reached)))
	if p := at["product_viewed"]; len(p) == 0 || p[0] > carted {
		implied = append(implied, 2)
	}
	for k := 4; k < level; k++ {
		own, ok := reached[k]
		for later := k + 1; later <= level; later++ {
			if x, has := reached[later]; has && x < own {
				ok = false
			}
		}
		if !ok {
			implied = append(implied, k)
		}
	}
	return level, implied
}

// TestEntries checks what the truth says of channel, brand and return against the first event and the session before.
func TestEntries(t *testing.T) {
	d := clean(t, Config{Seed: 9})
	first, before, carried, strayed := map[int]*hit{}, map[string]Session{}, 0, 0
	for _, h := range d.hits {
		if _, ok := first[h.session]; !ok {
			first[h.session] = h
		}
	}
	for i, s := range d.Truth.Sessions {
		h, b := first[i], before[s.Visitor]
		_, returning := before[s.Visitor]
		e := h.page.entry
		switch {
		case s.Returning != returning, s.Landing != h.page.Path, s.Brand != e.brand, s.Device != h.visitor.device.name:
			t.Fatalf("session %+v starts with %+v", s, h.page)
		case e.previous && returning:
			carried++
			if s.Channel != b.Channel {
				t.Fatalf("session %+v after %+v", s, b)
			}
		case e.previous:
			strayed++
			if s.Channel != "Direct" {
				t.Fatalf("session %+v has nothing before it", s)
			}
		case s.Channel != e.channel:
			t.Fatalf("session %+v starts with %+v", s, e)
		}
		if (e.channel == "Paid Search") != (s.Brand != "") {
			t.Fatalf("session %+v: brand_search", s)
		}
		before[s.Visitor] = s
	}
	if carried < 20 || strayed < 5 {
		t.Errorf("%d sessions carry a channel on, %d could not", carried, strayed)
	}
}

func TestOrders(t *testing.T) {
	d := clean(t, Config{Seed: 9})
	forms, reloads := map[string]int{}, 0
	seen := map[string]int64{}
	for _, h := range d.hits {
		if h.kind != purchased {
			continue
		}
		o, form := h.props, "value"
		number := o.Value
		if o.Total != "" {
			number, form = o.Total, "total"
		}
		if o.Revenue != "" {
			number, form = o.Revenue, "revenue"
		}
		forms[form]++
		if number != decimal(h.value) || o.OrderID != h.order || o.Currency != "EUR" {
			t.Fatalf("order %+v is worth %d", o, h.value)
		}
		if v, ok := seen[h.order]; ok {
			reloads++
			if v != h.value {
				t.Fatalf("order %s has two values", h.order)
			}
		}
		seen[h.order] = h.value
	}
	if forms["revenue"] == 0 || forms["total"] == 0 || forms["value"] == 0 || reloads == 0 {
		t.Errorf("forms %v, %d reloads", forms, reloads)
	}
}

func TestDecimal(t *testing.T) {
	for minor, want := range map[int64]string{0: "0", 5: "0.05", 50: "0.5", 100: "1", 1899: "18.99", 123450: "1234.5"} {
		if got := decimal(minor); string(got) != want {
			t.Errorf("%d is %s, expected %s", minor, got, want)
		}
	}
}
