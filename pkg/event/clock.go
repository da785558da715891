package event

import (
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
)

// Allowance is how far W stays behind the highest ingest_ts, in milliseconds (design §3).
const Allowance = 10_000

// MaxLead is how far ingest_ts may lead its append time and still move W, in milliseconds.
const MaxLead = 10_000

// Unseen is W before anything was read.
const Unseen = int64(-1 << 62)

// Clock derives W and the floors from the log prefix alone. Visitor stage and aggregator share it.
type Clock struct {
	maxIngest int64
	floors    map[string]int64
	lateness  map[string][]lateness
}

// lateness of a store from a moment on.
type lateness struct{ from, l int64 }

// NewClock is the clock of an empty log.
func NewClock() *Clock {
	return &Clock{maxIngest: Unseen, floors: map[string]int64{}, lateness: map[string][]lateness{}}
}

// SetLateness makes a store known: L milliseconds, in force when W reaches from. Its floor never falls, also when L
// grows. A new store starts at the least floor of the others, so that F, which was told to readers, does not fall either.
func (c *Clock) SetLateness(store string, from, l int64) {
	if _, ok := c.floors[store]; !ok {
		c.floors[store] = c.MinFloor()
	}
	list := append(c.lateness[store], lateness{from, l})
	slices.SortStableFunc(list, func(a, b lateness) int { return cmp.Compare(a.from, b.from) })
	c.lateness[store] = list
	if c.maxIngest != Unseen {
		c.raise(store, c.Watermark())
	}
}

// Leads tells whether a record's ingest_ts leads its append time (0 = unknown) by more than MaxLead: it does not
// move W then, and its times are clamped to the append time. A driven record is exempt: its clock is virtual.
func Leads(ingestTS, appendTS int64, driven bool) bool {
	return !driven && appendTS > 0 && ingestTS-appendTS > MaxLead
}

// Clamp is event_ts as it counts: of a record that leads, never later than its append time, with the flag for it.
func Clamp(eventTS, ingestTS, appendTS int64, driven bool) (ts int64, flags uint32) {
	if eventTS > appendTS && Leads(ingestTS, appendTS, driven) {
		return appendTS, FlagClamped
	}
	return eventTS, 0
}

// Observe takes a record's ingest_ts and append time.
func (c *Clock) Observe(ingestTS, appendTS int64, driven bool) {
	if ingestTS <= c.maxIngest || Leads(ingestTS, appendTS, driven) {
		return
	}
	before := c.Watermark()
	c.maxIngest = ingestTS
	for store, list := range c.lateness { // any order: each store's floor is raised from its own lateness
		for _, next := range list[min(1, len(list)):] {
			if before < next.from && next.from <= c.Watermark() {
				c.raise(store, next.from-1) // the floor is a maximum over time: the old lateness counted until here
			}
		}
		c.raise(store, c.Watermark())
	}
}

// raise lifts a store's floor to what it is at W = w.
func (c *Clock) raise(store string, w int64) {
	list := c.lateness[store]
	if len(list) == 0 {
		return
	}
	at := list[0]
	for _, l := range list[1:] {
		if l.from <= w {
			at = l
		}
	}
	c.floors[store] = max(c.floors[store], w-at.l)
}

// Watermark is W: the highest ingest_ts seen less the allowance, Unix milliseconds.
func (c *Clock) Watermark() int64 {
	if c.maxIngest == Unseen {
		return Unseen
	}
	return c.maxIngest - Allowance
}

// MaxIngest is the highest ingest_ts that counted.
func (c *Clock) MaxIngest() int64 { return c.maxIngest }

// Floor of a store: an event is accepted iff event_ts ≥ floor at its offset.
func (c *Clock) Floor(store string) int64 {
	if f, ok := c.floors[store]; ok {
		return f
	}
	return Unseen
}

// MinFloor is the least floor over the stores: what F and FP start from. Without a store nothing is final.
func (c *Clock) MinFloor() int64 {
	if len(c.floors) == 0 {
		return Unseen
	}
	least := int64(1<<62 - 1)
	for _, f := range c.floors {
		least = min(least, f)
	}
	return least
}

// Late tells whether an event of the store comes after its floor has passed its time.
func (c *Clock) Late(store string, eventTS int64) bool { return eventTS < c.Floor(store) }

// Snapshot is the clock as bytes, for a fold's store: equal clocks give equal bytes.
func (c *Clock) Snapshot() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(c.maxIngest))
	for _, store := range slices.Sorted(maps.Keys(c.floors)) {
		b = binary.BigEndian.AppendUint64(b, uint64(c.floors[store]))
		b = binary.AppendUvarint(b, uint64(len(store)))
		b = append(b, store...)
	}
	return b
}

var errSnapshot = errors.New("clock snapshot is cut short")

// Restore continues from a Snapshot. The stores' latenesses are set before or after it.
func (c *Clock) Restore(b []byte) error {
	if len(b) < 8 {
		return errSnapshot
	}
	c.maxIngest = int64(binary.BigEndian.Uint64(b))
	for b = b[8:]; len(b) > 0; {
		if len(b) < 9 {
			return errSnapshot
		}
		size, n := binary.Uvarint(b[8:])
		if n <= 0 || size > uint64(len(b)-8-n) {
			return errSnapshot
		}
		c.floors[string(b[8+n:8+n+int(size)])] = int64(binary.BigEndian.Uint64(b))
		b = b[8+n+int(size):]
	}
	return nil
}

// RememberFor is how long an event's id is remembered for duplicates after its ingest_ts, given the store's lateness, in
// milliseconds: two days or the lateness, and an hour.
func RememberFor(lateness int64) int64 { return max(48*3600*1000, lateness) + 3600*1000 }
