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
)

// fetchRequest is Fetch version 12 for many partitions of one topic on one broker
// (kafka.apache.org/protocol#The_Messages_Fetch; 12 is flexible and names topics by name).
type fetchRequest struct {
	topic      string
	broker     int32
	partitions []fetchPartition
	waitMillis int32
	maxBytes   int32
	partBytes  int32
}

type fetchPartition struct {
	id     int32
	offset int64
}

func (*fetchRequest) ApiKey() protocol.ApiKey                 { return protocol.Fetch }
func (*fetchRequest) Required(map[protocol.ApiKey]int16) bool { return true }

// Broker routes the request through kafka-go's Transport.
func (r *fetchRequest) Broker(c protocol.Cluster) (protocol.Broker, error) {
	b, ok := c.Brokers[r.broker]
	if !ok {
		return protocol.Broker{ID: -1}, kafkago.LeaderNotAvailable
	}
	return b, nil
}

// RawExchange writes the request and reads its answer (protocol.RawExchanger).
func (r *fetchRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if _, err := rw.Write(r.encode()); err != nil {
		return nil, fmt.Errorf("send fetch: %w", err)
	}
	var head [8]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return nil, fmt.Errorf("read fetch answer: %w", err)
	}
	size := int(int32(binary.BigEndian.Uint32(head[:]))) - 4
	if size < 1 || binary.BigEndian.Uint32(head[4:]) != correlation {
		return nil, errors.New("fetch answer is not for this request")
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(rw, body); err != nil {
		return nil, fmt.Errorf("read fetch answer: %w", err)
	}
	return &fetchResponse{body: body}, nil
}

func (r *fetchRequest) encode() []byte {
	be := binary.BigEndian
	b := make([]byte, 4, 128+len(r.partitions)*40)
	b = be.AppendUint16(b, uint16(protocol.Fetch))
	b = be.AppendUint16(b, 12)
	b = be.AppendUint32(b, correlation)
	b = be.AppendUint16(b, uint16(len(clientName)))
	b = append(b, clientName...)
	b = append(b, 0)                   // header tags
	b = be.AppendUint32(b, 0xffffffff) // replica: a consumer
	b = be.AppendUint32(b, uint32(r.waitMillis))
	b = be.AppendUint32(b, 1) // min bytes
	b = be.AppendUint32(b, uint32(r.maxBytes))
	b = append(b, 0)                   // isolation: our topics carry no transactions
	b = be.AppendUint32(b, 0)          // session id
	b = be.AppendUint32(b, 0xffffffff) // session epoch: none
	b = binary.AppendUvarint(b, 2)     // one topic
	b = binary.AppendUvarint(b, uint64(len(r.topic)+1))
	b = append(b, r.topic...)
	b = binary.AppendUvarint(b, uint64(len(r.partitions)+1))
	for _, p := range r.partitions {
		b = be.AppendUint32(b, uint32(p.id))
		b = be.AppendUint32(b, 0xffffffff) // leader epoch: not checked yet
		b = be.AppendUint64(b, uint64(p.offset))
		b = be.AppendUint32(b, 0xffffffff)         // last fetched epoch
		b = be.AppendUint64(b, 0xffffffffffffffff) // log start: a follower's
		b = be.AppendUint32(b, uint32(r.partBytes))
		b = append(b, 0)
	}
	b = append(b, 0, 1, 1, 0) // topic tags, no forgotten topics, rack "", tags
	be.PutUint32(b, uint32(len(b)-4))
	return b
}

type fetchResponse struct{ body []byte }

func (*fetchResponse) ApiKey() protocol.ApiKey { return protocol.Fetch }

// fetched is one partition's part of an answer; set aliases the answer.
type fetched struct {
	partition int32
	code      int16
	high      int64
	set       []byte
}

// each walks the partitions of the answer.
func (r *fetchResponse) each(f func(fetched) error) error {
	c := cursor{b: r.body}
	c.tags() // response header
	c.skip(4)
	if code := c.int16(); code != 0 {
		return kafkago.Error(code)
	}
	c.skip(4)
	for topics := c.length(); topics > 0 && c.err == nil; topics-- {
		c.skip(c.length())
		for parts := c.length(); parts > 0 && c.err == nil; parts-- {
			p := fetched{partition: c.int32(), code: c.int16(), high: c.int64()}
			c.skip(16) // last stable offset, log start offset
			for aborted := c.length(); aborted > 0 && c.err == nil; aborted-- {
				c.skip(16)
				c.tags()
			}
			c.skip(4) // preferred replica
			p.set = c.take(c.length())
			c.tags()
			if c.err != nil {
				break
			}
			if err := f(p); err != nil {
				return err
			}
		}
		c.tags()
	}
	return c.err
}

// cursor reads Kafka's flexible encoding; after an error it returns zeros.
type cursor struct {
	b   []byte
	err error
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.err, c.b = errors.New("fetch answer is cut short"), nil
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

func (c *cursor) tags() {
	for n := c.uvarint(); n > 0 && c.err == nil; n-- {
		c.uvarint()
		c.skip(int(min(c.uvarint(), uint64(1<<31-1))))
	}
}
