package event

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
	lateness  map[string]int64
}

// NewClock is the clock of an empty log.
func NewClock() *Clock {
	return &Clock{maxIngest: Unseen, floors: map[string]int64{}, lateness: map[string]int64{}}
}

// Restore continues from saved values.
func (c *Clock) Restore(maxIngest int64, floors map[string]int64) {
	c.maxIngest = maxIngest
	for s, f := range floors {
		c.floors[s] = f
	}
}

// SetLateness makes a store known, L in milliseconds. Its floor never falls, also when L grows.
func (c *Clock) SetLateness(store string, l int64) {
	c.lateness[store] = l
	if _, ok := c.floors[store]; !ok {
		c.floors[store] = Unseen
	}
	c.raise(store)
}

// Leads tells whether a record's ingest_ts leads its append time (0 = unknown) by more than MaxLead: it does not
// move W then, and its times are clamped to the append time. A driven record is exempt: its clock is virtual.
func Leads(ingestTS, appendTS int64, driven bool) bool {
	return !driven && appendTS > 0 && ingestTS-appendTS > MaxLead
}

// Observe takes a record's ingest_ts and append time.
func (c *Clock) Observe(ingestTS, appendTS int64, driven bool) {
	if ingestTS <= c.maxIngest || Leads(ingestTS, appendTS, driven) {
		return
	}
	c.maxIngest = ingestTS
	for store := range c.lateness {
		c.raise(store)
	}
}

func (c *Clock) raise(store string) {
	if f := c.Watermark() - c.lateness[store]; c.maxIngest != Unseen && f > c.floors[store] {
		c.floors[store] = f
	}
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

// MinFloor is the least floor over the stores: what F and FP start from.
func (c *Clock) MinFloor() int64 {
	least := c.Watermark()
	for _, f := range c.floors {
		least = min(least, f)
	}
	return least
}

// Floors lists the floor of each store, to be saved.
func (c *Clock) Floors() map[string]int64 { return c.floors }

// Late tells whether an event of the store comes after its floor has passed its time.
func (c *Clock) Late(store string, eventTS int64) bool { return eventTS < c.Floor(store) }
