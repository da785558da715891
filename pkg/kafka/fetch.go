package kafka

import (
	"encoding/binary"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// fetchVersion names topics by id, so that a topic made anew under the name is not taken for the old one.
const fetchVersion = 13

// fetchRequest asks one broker for many partitions of one topic (kafka.apache.org/protocol#The_Messages_Fetch).
type fetchRequest struct {
	topic      [16]byte
	broker     int32
	partitions []fetchPartition
	waitMillis int32
	maxBytes   int32
	partBytes  int32
}

// fetchPartition is a place to read on from, under the leader that is known.
type fetchPartition struct {
	id, epoch int32
	offset    int64
}

// message is the request on its way.
func (r *fetchRequest) message() protocol.Message {
	return &brokerCall{call{key: protocol.Fetch, version: fetchVersion, body: r.encode()}, r.broker}
}

func (r *fetchRequest) encode() []byte {
	be := binary.BigEndian
	b := make([]byte, 0, 64+len(r.partitions)*40)
	b = be.AppendUint32(b, 0xffffffff) // replica: a consumer
	b = be.AppendUint32(b, uint32(r.waitMillis))
	b = be.AppendUint32(b, 1) // min bytes
	b = be.AppendUint32(b, uint32(r.maxBytes))
	b = append(b, 1)                   // isolation: what was aborted is named, and skipped
	b = be.AppendUint32(b, 0)          // session id
	b = be.AppendUint32(b, 0xffffffff) // session epoch: none
	b = binary.AppendUvarint(b, 2)     // one topic
	b = append(b, r.topic[:]...)
	b = binary.AppendUvarint(b, uint64(len(r.partitions)+1))
	for _, p := range r.partitions {
		b = be.AppendUint32(b, uint32(p.id))
		b = be.AppendUint32(b, uint32(p.epoch))
		b = be.AppendUint64(b, uint64(p.offset))
		b = be.AppendUint32(b, 0xffffffff)         // last fetched epoch: followers compare logs by it, we ask for its end
		b = be.AppendUint64(b, 0xffffffffffffffff) // log start: a follower's
		b = be.AppendUint32(b, uint32(r.partBytes))
		b = append(b, 0)
	}
	return append(b, 0, 1, 1, 0) // topic tags, no forgotten topics, rack "", tags
}

// fetched is one partition's part of an answer; set aliases the answer.
type fetched struct {
	partition int32
	code      int16
	high      int64
	aborted   []abortedTransaction
	set       []byte
}

// abortedTransaction names a producer whose records from first on do not count, up to its next marker.
type abortedTransaction struct{ producer, first int64 }

// eachFetched walks the partitions of a Fetch answer.
func eachFetched(a *answer, f func(fetched) error) error {
	c := a.cursor()
	c.skip(4) // throttle time
	if code := c.int16(); code != 0 {
		return kafkago.Error(code)
	}
	c.skip(4) // session
	for topics := c.length(); topics > 0 && c.err == nil; topics-- {
		c.skip(16)
		for parts := c.length(); parts > 0 && c.err == nil; parts-- {
			p := fetched{partition: c.int32(), code: c.int16(), high: c.int64()}
			c.skip(16) // last stable offset, log start offset
			for n := c.length(); n > 0 && c.err == nil; n-- {
				p.aborted = append(p.aborted, abortedTransaction{producer: c.int64(), first: c.int64()})
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
