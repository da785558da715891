package visitor

import "encoding/binary"

// Wire types of Protobuf (protobuf.dev/programming-guides/encoding).
const (
	wireVarint = 0
	wire64     = 1
	wireBytes  = 2
)

// wire walks over the fields of an encoded message.
type wire struct{ b []byte }

// field is one of them: a number for varints and 64 bits, bytes that alias the message for everything with a length. A
// field that cannot be read, or is of another wire type, has number 0, and nothing comes after it.
type field struct {
	number, wire int
	value        uint64
	bytes        []byte
}

func (w *wire) next() (f field) {
	tag, ok := w.varint()
	if !ok || tag>>3 > 1<<28 {
		return w.bad()
	}
	f.number, f.wire = int(tag>>3), int(tag&7)
	switch f.wire {
	case wireVarint:
		if f.value, ok = w.varint(); !ok {
			return w.bad()
		}
	case wire64:
		if len(w.b) < 8 {
			return w.bad()
		}
		f.value, w.b = binary.LittleEndian.Uint64(w.b), w.b[8:]
	case wireBytes:
		n, ok := w.varint()
		if !ok || n > uint64(len(w.b)) {
			return w.bad()
		}
		f.bytes, w.b = w.b[:n:n], w.b[n:]
	default:
		return w.bad()
	}
	return f
}

func (w *wire) bad() field {
	w.b = nil
	return field{}
}

// varint of one byte is the usual case.
func (w *wire) varint() (uint64, bool) {
	if len(w.b) > 0 && w.b[0] < 0x80 {
		v := uint64(w.b[0])
		w.b = w.b[1:]
		return v, true
	}
	v, n := binary.Uvarint(w.b)
	if n <= 0 {
		return 0, false
	}
	w.b = w.b[n:]
	return v, true
}
