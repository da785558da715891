package visitor

// bucketMillis is the width of an entry bucket: 15 minutes.
const bucketMillis = 900_000

// entries counts sessions by the 15-minute bucket of their entry, which gives the marks F and FP.
type entries struct {
	open map[int64]int   // sessions that are not final
	held map[int64]int64 // final, but within reach of a link: W-floor at which the last of the bucket is out of reach
	// changed buckets of held, to be saved.
	changed map[int64]bool
}

func newEntries() entries {
	return entries{open: map[int64]int{}, held: map[int64]int64{}, changed: map[int64]bool{}}
}

// bucket is the start of the bucket that holds a time, Unix milliseconds.
func bucket(ms int64) int64 { return ms - ms%bucketMillis }

// add counts a session that starts at ts, and returns its bucket.
func (e *entries) add(ts int64) int64 {
	b := bucket(ts)
	e.open[b]++
	return b
}

func (e *entries) remove(b int64) {
	if e.open[b]--; e.open[b] == 0 {
		delete(e.open, b)
	}
}

// hold keeps the bucket of a session that became final until the floor is beyond until.
func (e *entries) hold(b, until int64) {
	if until > e.held[b] {
		e.held[b] = until
		e.changed[b] = true
	}
}

// release drops the buckets that no link reaches any more.
func (e *entries) release(floor int64) {
	for b, until := range e.held {
		if floor > until {
			delete(e.held, b)
			e.changed[b] = true
		}
	}
}

// marks are F and FP: the least of the floor and of the entries that are not final, for sessions and for persons.
func (e *entries) marks(floor int64) (f, fp int64) {
	f = floor
	for b := range e.open {
		f = min(f, b)
	}
	fp = f
	for b := range e.held {
		fp = min(fp, b)
	}
	return f, fp
}
