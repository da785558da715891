package sim

import (
	"cmp"
	"slices"
)

const (
	windowSeconds = 900
	hourSeconds   = 3600
	previousDays  = 30 // how long a session counts as the visitor's previous one
)

// teller finds the truth about what is sent, request by request.
type teller struct {
	truth   *Truth
	first   map[idKey]*delivery
	stored  []*delivery // the first of each id, in the order of arrival
	intake  map[intakeKey]*Intake
	letters map[Letter]int64 // by store and reason
}

// idKey is within what an id stands for one event.
type idKey struct{ store, visitor, id string }

type intakeKey struct {
	store string
	hour  int64
}

// tell finds the truth, and notes in the hits which session they are in.
func tell(c Config, shops []*shop, hits []*hit, requests [][]*request) *Truth {
	t := &teller{truth: &Truth{Header: Header{Seed: c.Seed, Events: c.Events, Day: c.Day.UTC().Format("2006-01-02"), Clean: c.Clean, Funnel: funnelName}},
		first: map[idKey]*delivery{}, intake: map[intakeKey]*Intake{}, letters: map[Letter]int64{}}
	for _, s := range shops {
		t.truth.Header.Stores = append(t.truth.Header.Stores, s.name)
	}
	if c.Days > 1 {
		t.truth.Header.Days = c.Days
	}
	for _, i := range c.Incidents {
		t.truth.Header.Incidents = append(t.truth.Header.Incidents, i.told())
	}
	for _, of := range requests {
		for _, q := range of {
			for i, d := range q.items {
				t.arrive(q, i, d)
			}
			if q.lost {
				t.truth.Counts.LostAnswers++
				for _, d := range q.items {
					t.count(q, d, Duplicate)
				}
			}
		}
	}
	t.tellSessions()
	t.tellEvents()
	t.tellOrders()
	for _, of := range t.intake {
		t.truth.Intake = append(t.truth.Intake, *of)
	}
	slices.SortFunc(t.truth.Intake, func(a, b Intake) int { return cmp.Or(cmp.Compare(a.Store, b.Store), cmp.Compare(a.Hour, b.Hour)) })
	for l, n := range t.letters {
		l.Count = n
		t.truth.Letters = append(t.truth.Letters, l)
	}
	slices.SortFunc(t.truth.Letters, func(a, b Letter) int { return cmp.Or(cmp.Compare(a.Store, b.Store), cmp.Compare(a.Reason, b.Reason)) })
	return t.truth
}

// arrive decides the fate of the i-th event of a request.
func (t *teller) arrive(q *request, i int, d *delivery) {
	n := &t.truth.Counts
	if d.fault != "" {
		d.fate = Dead
		n.Dead++
		t.letters[Letter{Store: q.shop.name, Reason: d.fault}]++
		t.repeat(q, d)
		return
	}
	key := idKey{q.shop.name, d.visitor.id, d.id}
	if t.first[key] != nil {
		d.fate = Duplicate
		if d.reused {
			d.fate = IDReused
			n.IDReused++
			n.Dead++
			t.letters[Letter{Store: q.shop.name, Reason: string(IDReused)}]++
		}
		t.count(q, d, d.fate)
		t.repeat(q, d)
		return
	}
	t.first[key] = d
	d.seq, d.session, d.received = i, -1, q.received
	if d.ts = corrected(d.at+d.visitor.skew, q.sent, q.received); d.ts != d.at+d.visitor.skew {
		n.Skewed++
	}
	d.fate = Accepted
	if d.ts < floorOf(q.received) {
		d.fate = Late
		n.Late++
	}
	t.stored = append(t.stored, d)
	t.count(q, d, d.fate)
}

func (t *teller) repeat(q *request, d *delivery) {
	t.truth.Repeats = append(t.truth.Repeats, Repeat{Store: q.shop.name, MessageID: d.id, IngestedAt: q.received, Fate: d.fate, Reason: d.fault})
}

// count a record in the hour in which ingest took it.
func (t *teller) count(q *request, d *delivery, fate Fate) {
	k := intakeKey{q.shop.name, q.received / 1000 / hourSeconds * hourSeconds}
	if t.intake[k] == nil {
		t.intake[k] = &Intake{Store: k.store, Hour: k.hour}
	}
	n := t.intake[k]
	n.Records++
	switch fate {
	case Duplicate:
		n.Duplicates++
		t.truth.Counts.Duplicates++
	case IDReused:
		n.IDReused++
	default:
		n.Unique++
		if fate == Late {
			n.Late++
		}
	}
}
