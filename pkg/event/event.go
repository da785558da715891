// Package event holds the meanings of one event: identities, order, validation, names, watermark and lateness.
//
// It is pure: no clock, no I/O, no goroutine. Records on the wire are those of schemas/proto.
package event

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/cespare/xxhash/v2"
)

// ID is 16 bytes that name an event or a session.
type ID [16]byte

// String is the ID as lower-case hex, as bi shows it: a 64-bit number loses digits in JavaScript clients.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// IDOf copies b into an ID; a shorter b is padded with zeros.
func IDOf(b []byte) (id ID) {
	copy(id[:], b)
	return id
}

// Partition places a key among n partitions: XXH64, seed 0, of the key, modulo n
// (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). The vectors in schemas/vectors fix it for ever.
func Partition(key []byte, n int) int { return int(xxhash.Sum64(key) % uint64(n)) }

// Key is the Kafka key of a visitor's events: store, zero byte, visitor. An event without a visitor has store,
// zero byte, "u:", user.
func Key(store, visitor, user string) []byte {
	return AppendKey(make([]byte, 0, len(store)+len(visitor)+len(user)+3), store, visitor, user)
}

// AppendKey appends a Key to b.
func AppendKey(b []byte, store, visitor, user string) []byte {
	b = append(append(b, store...), 0)
	if visitor != "" {
		return append(b, visitor...)
	}
	return append(append(b, "u:"...), user...)
}

// Hash128 is two XXH64 of the length-prefixed parts, the second over the parts and one more byte, big-endian.
func Hash128(parts ...[]byte) ID {
	var d xxhash.Digest
	d.Reset()
	var size [4]byte
	for _, p := range parts {
		binary.BigEndian.PutUint32(size[:], uint32(len(p)))
		d.Write(size[:])
		d.Write(p)
	}
	var id ID
	binary.BigEndian.PutUint64(id[:8], d.Sum64())
	d.Write([]byte{1})
	binary.BigEndian.PutUint64(id[8:], d.Sum64())
	return id
}

// IDFromMessage is the event id of a client's message id.
func IDFromMessage(messageID string) ID { return Hash128([]byte("message"), []byte(messageID)) }

// IDFromBody is the event id of the item at index in a body without a message id.
func IDFromBody(body []byte, index int) ID {
	var at [4]byte
	binary.BigEndian.PutUint32(at[:], uint32(index))
	return Hash128([]byte("body"), body, at[:])
}

// SessionID is hash(store, visitor, event id of the session's lowest-offset event), design §4.
func SessionID(store, visitor string, creating []byte) ID {
	return Hash128([]byte("session"), []byte(store), []byte(visitor), creating)
}

// PayloadHash is 64 bits over a payload: the same id with another hash is id_reused.
func PayloadHash(payload []byte) uint64 { return xxhash.Sum64(payload) }

// Version orders all values of one key: generation in the top 8 bits, offset in the low 56 (design §3, C2).
type Version uint64

// NewVersion packs generation and offset.
func NewVersion(generation uint8, offset int64) Version {
	return Version(uint64(generation)<<56 | uint64(offset)&(1<<56-1))
}

// Complement turns "first wins" into "highest wins".
func (v Version) Complement() uint64 { return ^uint64(v) }

// Offset of the version.
func (v Version) Offset() int64 { return int64(v & (1<<56 - 1)) }

// Generation of the version.
func (v Version) Generation() uint8 { return uint8(v >> 56) }
