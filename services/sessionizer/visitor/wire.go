package visitor

import "encoding/binary"

// Wire types of Protobuf (protobuf.dev/programming-guides/encoding).
const (
	wireVarint = 0
	wire64     = 1
	wireBytes  = 2
)

// next reads the first field of an encoded message that is not empty: a number for varints and 64 bits, bytes that alias the
// message for everything with a length. Of a field that cannot be read, or is of another wire type, the tag is 0. All comes
// back in registers: this is called for every field of every event.
func next(b []byte) (t, number uint64, text, rest []byte) {
	t, i := uint64(b[0]), 1
	if t >= 0x80 {
		if t, i = varint(b, 0); i < 0 || t > 1<<31 {
			return 0, 0, nil, nil
		}
	}
	switch t & 7 {
	case wireBytes:
		n, at := uint64(0), i+1
		if i < len(b) && b[i] < 0x80 {
			n = uint64(b[i])
		} else if n, at = varint(b, i); at < 0 {
			return 0, 0, nil, nil
		}
		if n > uint64(len(b)-at) {
			return 0, 0, nil, nil
		}
		end := at + int(n)
		return t, 0, b[at:end:end], b[end:]
	case wireVarint:
		v, at := varint(b, i)
		if at < 0 {
			return 0, 0, nil, nil
		}
		return t, v, nil, b[at:]
	case wire64:
		if len(b)-i >= 8 {
			return t, binary.LittleEndian.Uint64(b[i:]), nil, b[i+8:]
		}
	}
	return 0, 0, nil, nil
}

// varint reads a number at a place and returns the place after it; -1 if there is none. The usual lengths are tried first.
func varint(b []byte, at int) (uint64, int) {
	if at < len(b) && b[at] < 0x80 {
		return uint64(b[at]), at + 1
	}
	if at+1 < len(b) && b[at+1] < 0x80 {
		return uint64(b[at]&0x7f) | uint64(b[at+1])<<7, at + 2
	}
	v, n := binary.Uvarint(b[min(at, len(b)):])
	if n <= 0 {
		return 0, -1
	}
	return v, at + n
}
