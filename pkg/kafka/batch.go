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

// Layout of a record batch, version 2: kafka.apache.org/documentation/#recordbatch. The CRC-32C covers what
// follows it, from the attributes on.
const (
	batchHeader   = 61
	offLength     = 8
	offLeader     = 12
	offMagic      = 16
	offCRC        = 17
	offAttributes = 21
	offLastDelta  = 23
	offFirstTime  = 27
	offMaxTime    = 35
	offProducer   = 43
	offEpoch      = 51
	offSequence   = 53
	offCount      = 57

	codecMask     = 0x07
	codecSnappy   = 2
	codecZstd     = 4
	attrLogAppend = 0x08
	attrTxn       = 0x10
	attrControl   = 0x20
)

// maxPlain bounds what one batch may hold decompressed: a broker takes batches of 1 MiB, and nothing of ours shrinks
// more than a hundredfold.
const maxPlain = 128 << 20

var (
	errShort = errors.New("record batch is cut short")
	// errChecksum says that a batch is damaged: on its way, or where it lies.
	errChecksum = errors.New("wrong checksum")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Message is one record to produce.
type Message struct{ Key, Value []byte }

// producer identifies a lane's batches for the broker's duplicate check.
type producer struct {
	id    int64
	epoch int16
}

// encodeBatch appends one snappy-compressed batch. scratch is reused for the plain records.
func encodeBatch(dst, scratch []byte, messages []Message, p producer, sequence int32, now int64) (batch, plain []byte) {
	plain = scratch[:0]
	for i, m := range messages {
		plain = appendRecord(plain, i, m)
	}
	start := len(dst)
	dst = append(dst, make([]byte, batchHeader+s2.MaxEncodedLen(len(plain)))...)
	body := s2.EncodeSnappy(dst[start+batchHeader:], plain)
	dst = dst[:start+batchHeader+len(body)]
	b, be := dst[start:], binary.BigEndian
	be.PutUint32(b[offLength:], uint32(len(b)-12))
	be.PutUint32(b[12:], 0xffffffff) // leader epoch: unknown to a producer
	b[offMagic] = 2
	be.PutUint16(b[offAttributes:], codecSnappy)
	be.PutUint32(b[offLastDelta:], uint32(len(messages)-1))
	be.PutUint64(b[offFirstTime:], uint64(now))
	be.PutUint64(b[offMaxTime:], uint64(now))
	be.PutUint64(b[offProducer:], uint64(p.id))
	be.PutUint16(b[offEpoch:], uint16(p.epoch))
	be.PutUint32(b[offSequence:], uint32(sequence))
	be.PutUint32(b[offCount:], uint32(len(messages)))
	be.PutUint32(b[offCRC:], crc32.Checksum(b[offAttributes:], castagnoli))
	return dst, plain
}

func appendRecord(b []byte, i int, m Message) []byte {
	size := 3 + varintLen(int64(i)) + varintLen(int64(len(m.Key))) + len(m.Key) + varintLen(int64(len(m.Value))) + len(m.Value)
	b = binary.AppendVarint(b, int64(size))
	b = append(b, 0, 0) // attributes, timestamp delta
	b = binary.AppendVarint(b, int64(i))
	b = binary.AppendVarint(b, int64(len(m.Key)))
	b = append(b, m.Key...)
	b = binary.AppendVarint(b, int64(len(m.Value)))
	b = append(b, m.Value...)
	return append(b, 0) // headers
}

func varintLen(x int64) int {
	n := 1
	for u := uint64(x<<1) ^ uint64(x>>63); u >= 0x80; u >>= 7 {
		n++
	}
	return n
}

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
