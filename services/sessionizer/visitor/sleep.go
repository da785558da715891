package visitor

import (
	"container/heap"
	"encoding/binary"
	"fmt"

	"github.com/tributary-data/tributary/pkg/session"
	"github.com/tributary-data/tributary/pkg/stream"
)

// A visitor that was loaded sleeps: its state stays as it was stored until an event of it comes or something of it expires. A
// fold with a million open sessions is back in a fraction of the time, and of the memory, that decoding them all takes. What must be
// known of a sleeping visitor stands in front of its state: the W at which something of it expires, and the entry bucket
// of each of its sessions, as differences, all as varints.

// appendHead appends what must be known of a visitor that sleeps.
func (v *visitor) appendHead(b []byte) []byte {
	b = binary.AppendVarint(b, v.due)
	b = binary.AppendUvarint(b, uint64(len(v.starts)))
	last := int64(0)
	for _, s := range v.starts {
		b = binary.AppendVarint(b, (s-last)/bucketMillis)
		last = s
	}
	return b
}

// readHead reads what appendHead wrote into v, and returns the rest. The starts go behind others that are in one piece of memory.
func (v *visitor) readHead(b []byte, starts []int64) (all []int64, rest []byte, ok bool) {
	due, n := binary.Varint(b)
	if n <= 0 {
		return starts, nil, false
	}
	v.due, b = due, b[n:]
	count, n := binary.Uvarint(b)
	if n <= 0 || count > uint64(len(b)-n) {
		return starts, nil, false
	}
	from, last := len(starts), int64(0)
	b = b[n:]
	for range count {
		d, n := binary.Varint(b)
		if n <= 0 {
			return starts, nil, false
		}
		last += d * bucketMillis
		starts, b = append(starts, last), b[n:]
	}
	v.starts = starts[from:len(starts):len(starts)]
	return starts, b, true
}

// stored is where a visitor's key and state lie in what was read.
type stored struct{ key, state, end int }

// loadVisitors reads all visitors, asleep. Their keys and states are parts of one text.
func (f *Fold) loadVisitors(r stream.StateReader) error {
	var bytes []byte
	var list []stored
	err := r.Each([]byte(prefixVisitor), func(k, v []byte) error {
		at := stored{key: len(bytes)}
		bytes = append(bytes, k[len(prefixVisitor):]...)
		at.state = len(bytes)
		bytes = append(bytes, v...)
		at.end = len(bytes)
		list = append(list, at)
		return nil
	})
	if err != nil {
		return err
	}
	text, all, starts := string(bytes), make([]visitor, len(list)), make([]int64, 0, len(list))
	f.visitors = make(map[string]*visitor, len(list))
	f.due = make(dueHeap, 0, len(list))
	for i, at := range list {
		v := &all[i]
		v.key = text[at.key:at.state]
		storeName, _, ok := cutKey(v.key)
		if v.store = f.stores[storeName]; !ok || v.store == nil {
			return fmt.Errorf("visitor of unknown store %q", storeName)
		}
		var rest []byte
		if starts, rest, ok = v.readHead(bytes[at.state:at.end], starts); !ok {
			return damaged("its head is cut short")
		}
		v.asleep = text[at.end-len(rest) : at.end]
		for _, b := range v.starts {
			f.entries.open[b]++
		}
		v.scheduled = v.due
		f.due = append(f.due, dueEntry{at: v.due, visitor: v})
		f.visitors[v.key] = v
		if i == 0 { // states of another version are noticed at once
			if err := f.wake(v); err != nil {
				return err
			}
		}
	}
	heap.Init(&f.due)
	return nil
}

// wake decodes the state of a visitor that sleeps.
func (f *Fold) wake(v *visitor) error {
	if v.Visitor != nil {
		return nil
	}
	_, id, _ := cutKey(v.key)
	restored, err := session.Restore(v.store.name, id, []byte(v.asleep), v.store.rules, f.texts.ofBytes)
	if err != nil {
		return damaged(err.Error())
	}
	v.Visitor, v.asleep = restored, ""
	return nil
}

// damaged is a halt: to go on without a part of the state would be to forget.
func damaged(why string) error {
	return stream.Haltf(stream.ReasonState, "the state of a visitor cannot be read: %s", why)
}
