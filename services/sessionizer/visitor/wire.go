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

func (w *wire) next() (f field) { // w is not at its end
	b := w.b
	tag, i := uint64(b[0]), 1
	if tag >= 0x80 {
		tag, i = varint(b, 0)
	}
	if i < 0 || tag>>3 > 1<<28 {
		return w.bad()
	}
	f.number, f.wire = int(tag>>3), int(tag&7)
	switch f.wire {
	case wireVarint:
		if f.value, i = varint(b, i); i < 0 {
			return w.bad()
		}
		w.b = b[i:]
	case wire64:
		if len(b)-i < 8 {
			return w.bad()
		}
		f.value, w.b = binary.LittleEndian.Uint64(b[i:]), b[i+8:]
	case wireBytes:
		n, at := uint64(0), i+1
		if i < len(b) && b[i] < 0x80 {
			n = uint64(b[i])
		} else {
			n, at = varint(b, i)
		}
		if at < 0 || n > uint64(len(b)-at) {
			return w.bad()
		}
		end := at + int(n)
		f.bytes, w.b = b[at:end:end], b[end:]
	default:
		return w.bad()
	}
	return f
}

func (w *wire) bad() field {
	w.b = nil
	return field{}
}

// varint reads a number at a place and returns the place after it; -1 if there is none. The usual lengths are tried first.
func varint(b []byte, at int) (uint64, int) {
	if at+1 < len(b) && b[at+1] < 0x80 && b[at] >= 0x80 {
		return uint64(b[at]&0x7f) | uint64(b[at+1])<<7, at + 2
	}
	v, n := binary.Uvarint(b[min(at, len(b)):])
	if n <= 0 {
		return 0, -1
	}
	return v, at + n
}
