package kafka

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/klauspost/compress/s2"
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
