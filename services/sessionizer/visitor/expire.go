package visitor

import "container/heap"

// schedule makes sure that the visitor is looked at when something of it may expire.
func (f *Fold) schedule(v *visitor) {
	v.due = v.Due(v.store.rules)
	if v.scheduled != 0 && v.scheduled <= v.due {
		return // it is looked at earlier, and scheduled anew then
	}
	v.scheduled = v.due
	heap.Push(&f.due, dueEntry{at: v.due, visitor: v})
}

// expire drops what is final from every visitor that is due at W, and releases what no link reaches any more.
func (f *Fold) expire() error {
	w := f.clock.Watermark()
	var looked []*visitor
	for len(f.due) > 0 && f.due[0].at < w {
		e := heap.Pop(&f.due).(dueEntry)
		v := e.visitor
		if v.scheduled != e.at {
			continue // scheduled anew since
		}
		v.scheduled = 0
		looked = append(looked, v)
	}
	for _, v := range looked { // scheduled again only now: what is due early must not come by twice
		if err := f.wake(v); err != nil {
			return err
		}
		f.expireVisitor(v, w)
	}
	f.entries.release(f.clock.MinFloor())
	return nil
}

func (f *Fold) expireVisitor(v *visitor, w int64) {
	rules := v.store.rules
	gone := v.Expire(f.clock.Floor(v.store.name), w, rules)
	for i, s := range gone {
		f.entries.remove(v.starts[i])
		f.entries.hold(v.starts[i], rules.BeyondLinks(s.Ended))
	}
	v.starts = append(v.starts[:0], v.starts[len(gone):]...)
	f.soil(v)
	if v.Empty() {
		delete(f.visitors, v.key)
		return
	}
	f.schedule(v)
}

type dueEntry struct {
	at      int64
	visitor *visitor
}

// dueHeap is a heap by W.
type dueHeap []dueEntry

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push and Pop are container/heap's.
func (h *dueHeap) Push(x any) { *h = append(*h, x.(dueEntry)) }

// Pop removes the last element.
func (h *dueHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}
