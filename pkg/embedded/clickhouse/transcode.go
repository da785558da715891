package clickhouse

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// The engine answers Native blocks of revision 0, whatever the client asks. Later revisions put a header before
// each block and a byte before each column's data; the data itself is the same. So blocks are copied, and types
// only say how long their data is. (clickhouse-go's lib/proto could decode and encode instead, but it does not
// write LowCardinality columns that it has read. The tests use it as the oracle.)

// customSerialization is the revision from which each column says whether it is stored in a special way.
const customSerialization = 54454

// blockInfo is: field 1, no overflows; field 2, bucket -1; end.
var blockInfo = []byte{1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0}

var errShort = errors.New("native block is cut short")

// transcode turns blocks of revision 0 into blocks of the asked one. types, if there are any, are the full types of the
// columns: a block names the type DateTime without its zone.
func transcode(in []byte, revision uint64, types []string) ([]byte, error) {
	r := &reader{b: in}
	out := make([]byte, 0, len(in)+len(in)/16+64)
	for len(r.b) > 0 {
		out = append(out, blockInfo...)
		head := r.b
		columns, rows := r.uvarint(), r.uvarint()
		out = append(out, head[:len(head)-len(r.b)]...)
		for i := range columns {
			if r.err != nil {
				break
			}
			head := r.b
			r.bytes(r.uvarint()) // the column's name
			nameEnd := len(head) - len(r.b)
			name := r.bytes(r.uvarint())
			if string(name) == "DateTime" && uint64(len(types)) == columns && strings.HasPrefix(types[i], "DateTime(") {
				out = append(out, head[:nameEnd]...)
				out = binary.AppendUvarint(out, uint64(len(types[i])))
				out = append(out, types[i]...)
			} else {
				out = append(out, head[:len(head)-len(r.b)]...)
			}
			if revision >= customSerialization {
				out = append(out, 0)
			}
			if rows == 0 {
				continue // neither data nor its prefix follow
			}
			t, err := parseType(string(name))
			if err != nil {
				return nil, err
			}
			data := r.b
			if err := r.column(t, rows); err != nil {
				return nil, err
			}
			out = append(out, data[:len(data)-len(r.b)]...)
		}
		if r.err != nil {
			return nil, r.err
		}
	}
	return out, nil
}

// reader walks blocks; after an error it stands at the end.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail(errShort)
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

// skip passes over rows values of a size; the product must not wrap.
func (r *reader) skip(rows, size uint64) {
	if size > 0 && rows > uint64(len(r.b))/size {
		r.fail(errShort)
		return
	}
	r.bytes(rows * size)
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail(errShort)
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) uint64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// column passes over one column: the prefixes of all its parts come first, then the data.
func (r *reader) column(t *columnType, rows uint64) error {
	for range t.dictionaries() {
		r.uint64() // version of the keys' serialization
	}
	r.data(t, rows)
	if r.err != nil {
		return fmt.Errorf("column of type %s: %w", t.text, r.err)
	}
	return nil
}

func (r *reader) data(t *columnType, rows uint64) {
	switch t.kind {
	case kindFixed:
		r.skip(rows, t.size)
	case kindString:
		for ; rows > 0 && r.err == nil; rows-- {
			r.bytes(r.uvarint())
		}
	case kindNullable:
		r.skip(rows, 1)
		r.data(t.args[0], rows)
	case kindArray:
		var n uint64
		if rows > 0 {
			r.skip(rows-1, 8) // offsets rise, so the last one is the number of values
			n = r.uint64()
		}
		r.data(t.args[0], n)
	case kindTuple:
		for _, a := range t.args {
			r.data(a, rows)
		}
	case kindDictionary:
		r.dictionary(t, rows)
	}
}

// dictionary passes over a LowCardinality column: flags, keys, and an index into them for each row.
func (r *reader) dictionary(t *columnType, rows uint64) {
	if rows == 0 || r.err != nil {
		return
	}
	flags := r.uint64()
	const additionalKeys = 1 << 9
	if flags&additionalKeys == 0 {
		r.fail(fmt.Errorf("flags %#x of its dictionary are not known", flags))
		return
	}
	r.data(t.args[0], r.uint64())
	if n := r.uint64(); n != rows && r.err == nil {
		r.fail(fmt.Errorf("%d rows in a dictionary of %d", rows, n))
	}
	r.skip(rows, 1<<(flags&3))
}
