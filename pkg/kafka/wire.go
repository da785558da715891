package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

const (
	correlation = 7 // one request is in flight per connection: any number serves
	clientName  = "tributary"
	maxAnswer   = 256 << 20
)

// errCut says that an answer ends before it should.
var errCut = errors.New("the broker's answer is cut short")

// call is a request that kafka-go does not know, or not in the version that we need: key, version and body as in
// kafka.apache.org/protocol, with a flexible header. kafka-go's Transport carries it (protocol.RawExchanger).
type call struct {
	key     protocol.ApiKey
	version int16
	body    []byte
}

func (c *call) ApiKey() protocol.ApiKey               { return c.key }
func (*call) Required(map[protocol.ApiKey]int16) bool { return true }
func (c *call) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	be := binary.BigEndian
	b := make([]byte, 4, 32+len(c.body))
	b = be.AppendUint16(b, uint16(c.key))
	b = be.AppendUint16(b, uint16(c.version))
	b = be.AppendUint32(b, correlation)
	b = be.AppendUint16(b, uint16(len(clientName)))
	b = append(b, clientName...)
	b = append(b, 0) // header tags
	b = append(b, c.body...)
	be.PutUint32(b, uint32(len(b)-4))
	if _, err := rw.Write(b); err != nil {
		return nil, fmt.Errorf("send request %s: %w", c.key, err)
	}
	var head [8]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return nil, fmt.Errorf("read answer to %s: %w", c.key, err)
	}
	size := int64(be.Uint32(head[:])) - 4
	if size < 1 || size > maxAnswer || be.Uint32(head[4:]) != correlation {
		return nil, fmt.Errorf("what answers %s is not for this request", c.key)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(rw, body); err != nil {
		return nil, fmt.Errorf("read answer to %s: %w", c.key, err)
	}
	return &answer{key: c.key, body: body}, nil
}

// answer is what a broker said to a call, after the correlation id.
type answer struct {
	key  protocol.ApiKey
	body []byte
}

func (a *answer) ApiKey() protocol.ApiKey { return a.key }

// cursor reads the answer's body.
func (a *answer) cursor() *cursor {
	c := &cursor{b: a.body}
	c.tags() // of the header
	return c
}

// brokerCall goes to one broker.
type brokerCall struct {
	call
	broker int32
}

// Broker routes the request through kafka-go's Transport.
func (c *brokerCall) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	b, ok := cluster.Brokers[c.broker]
	if !ok {
		return protocol.Broker{ID: -1}, kafkago.LeaderNotAvailable
	}
	return b, nil
}

// groupCall goes to the coordinator of a group.
type groupCall struct {
	call
	group string
}

// Group routes the request through kafka-go's Transport.
func (c *groupCall) Group() string { return c.group }

// appendCompact appends a compact string: its length plus one as a varint, then its bytes.
func appendCompact(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s)+1)), s...)
}

// appendNullable appends a compact string that is null where it is empty.
func appendNullable(b []byte, s string) []byte {
	if s == "" {
		return append(b, 0)
	}
	return appendCompact(b, s)
}

// cursor reads Kafka's flexible encoding; after an error it returns zeros.
type cursor struct {
	b   []byte
	err error
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.err, c.b = errCut, nil
	}
	if c.err != nil || n == 0 {
		return nil
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) skip(n int) { c.take(n) }

func (c *cursor) int16() int16 {
	if b := c.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (c *cursor) int32() int32 {
	if b := c.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (c *cursor) int64() int64 {
	if b := c.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// uvarint is an unsigned varint.
func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.take(-1)
		return 0
	}
	c.b = c.b[n:]
	return v
}

// length is a compact length: stored plus one, zero for null.
func (c *cursor) length() int {
	v := c.uvarint()
	if v == 0 {
		return 0
	}
	if v-1 > uint64(len(c.b)) && c.err == nil {
		c.take(-1)
		return 0
	}
	return int(v - 1)
}

// text is a compact string.
func (c *cursor) text() string { return string(c.take(c.length())) }

// id is a 128-bit id.
func (c *cursor) id() (out [16]byte) {
	copy(out[:], c.take(len(out)))
	return out
}

func (c *cursor) tags() {
	for n := c.uvarint(); n > 0 && c.err == nil; n-- {
		c.uvarint()
		c.skip(int(min(c.uvarint(), uint64(1<<31-1))))
	}
}
