package kafka

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/tributary-data/tributary/pkg/stream"
)

// decoder walks record sets. It is not safe for concurrent use.
type decoder struct {
	zstd *zstd.Decoder
	pool *sync.Pool // of *[]byte, to unpack into; nil: the collector's
	used []*[]byte  // since the last handOver

	aborted []abortedTransaction // of the record set in hand, by first offset
	open    map[int64]bool       // producers whose aborted transaction goes on
	epoch   int32                // leader epoch of the last batch
}

// handOver is what gives the memory that was unpacked into since the last call back to the pool.
func (d *decoder) handOver() func() {
	if len(d.used) == 0 {
		return nil
	}
	used, pool := d.used, d.pool
	d.used = nil
	return func() {
		for _, b := range used {
			pool.Put(b)
		}
	}
}

// room is memory to unpack into, of whatever size.
func (d *decoder) room() *[]byte {
	if d.pool == nil {
		return new([]byte)
	}
	b, ok := d.pool.Get().(*[]byte)
	if !ok {
		b = new([]byte)
	}
	d.used = append(d.used, b)
	return b
}

// decode appends the records at or after from, and returns the offset after the last whole batch, which it
// takes from the batch headers, so that control and empty batches move it too.
func (d *decoder) decode(set []byte, from int64, out []stream.Record) ([]stream.Record, int64, error) {
	next := from
	for len(set) >= batchHeader {
		length := int(int32(binary.BigEndian.Uint32(set[offLength:]))) + 12
		if length < batchHeader {
			return out, next, errShort
		}
		if length > len(set) {
			return out, next, nil // the broker may cut the last batch
		}
		var err error
		if out, next, err = d.batch(set[:length], from, next, out); err != nil {
			return out, next, err
		}
		set = set[length:]
	}
	return out, next, nil
}

func (d *decoder) batch(b []byte, from, next int64, out []stream.Record) ([]stream.Record, int64, error) {
	be := binary.BigEndian
	base := int64(be.Uint64(b))
	if b[offMagic] != 2 {
		return out, next, fmt.Errorf("batch at offset %d has magic %d, expected 2", base, b[offMagic])
	}
	if crc32.Checksum(b[offAttributes:], castagnoli) != be.Uint32(b[offCRC:]) {
		return out, next, fmt.Errorf("batch at offset %d: %w", base, errChecksum)
	}
	attributes := be.Uint16(b[offAttributes:])
	end := base + int64(int32(be.Uint32(b[offLastDelta:]))) + 1
	if end > next {
		next = end
	}
	d.epoch = int32(be.Uint32(b[offLeader:]))
	count := int(int32(be.Uint32(b[offCount:])))
	if skip := d.skips(b, attributes, end); skip || count <= 0 {
		return out, next, nil
	}
	plain, err := d.plain(b[batchHeader:], attributes&codecMask)
	if err != nil {
		return out, next, fmt.Errorf("batch at offset %d: %w", base, err)
	}
	var appended int64
	if attributes&attrLogAppend != 0 {
		appended = int64(be.Uint64(b[offMaxTime:]))
	}
	out, err = records(plain, base, from, appended, count, out)
	if err != nil {
		return out, next, fmt.Errorf("batch at offset %d: %w", base, err)
	}
	return out, next, nil
}

// skips tells whether a batch holds no records for us: a marker, or what an aborted transaction left. Our own topics have
// neither; somebody else's producer may have written there.
func (d *decoder) skips(b []byte, attributes uint16, end int64) bool {
	if attributes&(attrTxn|attrControl) == 0 {
		return false
	}
	producer := int64(binary.BigEndian.Uint64(b[offProducer:]))
	for len(d.aborted) > 0 && d.aborted[0].first < end {
		if d.open == nil {
			d.open = map[int64]bool{}
		}
		d.open[d.aborted[0].producer] = true
		d.aborted = d.aborted[1:]
	}
	if attributes&attrControl != 0 {
		delete(d.open, producer)
		return true
	}
	return d.open[producer]
}

// begin prepares for a record set with the transactions that were aborted in it.
func (d *decoder) begin(aborted []abortedTransaction) {
	d.aborted = aborted
	slices.SortFunc(d.aborted, func(a, b abortedTransaction) int { return cmp.Compare(a.first, b.first) })
	clear(d.open)
	d.epoch = -1
}

func (d *decoder) plain(b []byte, codec uint16) ([]byte, error) {
	switch codec {
	case 0:
		return b, nil
	case codecSnappy:
		if n, err := s2.DecodedLen(b); err != nil || n > maxPlain {
			return nil, fmt.Errorf("snappy body of %d bytes claims %d: %w", len(b), n, errors.Join(errShort, err))
		}
		room := d.room()
		out, err := s2.Decode((*room)[:0], b)
		if err == nil {
			*room = out
		}
		return out, err
	case codecZstd:
		if d.zstd == nil {
			z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPlain))
			if err != nil {
				return nil, err
			}
			d.zstd = z
		}
		room := d.room()
		out, err := d.zstd.DecodeAll(b, (*room)[:0])
		if err == nil {
			*room = out
		}
		return out, err
	}
	return nil, fmt.Errorf("codec %d is not supported: produce with none, snappy or zstd", codec)
}

// leastRecord is the size of a record that holds nothing, with its length.
const leastRecord = 7

func records(b []byte, base, from, appended int64, count int, out []stream.Record) ([]stream.Record, error) {
	out = slices.Grow(out, min(count, len(b)/leastRecord))
	for range count {
		size, n := binary.Varint(b)
		if n <= 0 || size < 0 || size > int64(len(b)-n) {
			return out, errShort
		}
		r := b[n : n+int(size)]
		b = b[n+int(size):]
		rec, err := record(r)
		if err != nil {
			return out, err
		}
		rec.Offset += base
		rec.AppendTime = appended
		if rec.Offset >= from {
			out = append(out, rec)
		}
	}
	return out, nil
}

// record reads one record; its Offset is the delta to the batch.
func record(r []byte) (rec stream.Record, err error) {
	if len(r) == 0 {
		return rec, errShort
	}
	r = r[1:] // attributes are unused
	if _, r, err = varint(r); err != nil {
		return rec, err
	}
	if rec.Offset, r, err = varint(r); err != nil {
		return rec, err
	}
	if rec.Key, r, err = field(r); err != nil {
		return rec, err
	}
	rec.Value, _, err = field(r)
	return rec, err
}

func varint(b []byte) (int64, []byte, error) {
	v, n := binary.Varint(b)
	if n <= 0 {
		return 0, nil, errShort
	}
	return v, b[n:], nil
}

func field(b []byte) ([]byte, []byte, error) {
	size, b, err := varint(b)
	if err != nil || size < 0 {
		return nil, b, err
	}
	if size > int64(len(b)) {
		return nil, nil, errShort
	}
	return b[:size], b[size:], nil
}
