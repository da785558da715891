package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxRequest is Kafka's own default limit (socket.request.max.bytes).
const maxRequest = 100 << 20

// conn is one client's connection. It passes every byte through, except that produce and fetch answers get their
// append times. It relies on two things in kfake: one Write per answer, and answers in the order of the requests.
type conn struct {
	net.Conn
	stamps *stamper
	done   func()

	frame []byte // what Read has not handed out yet of the current request

	mu    sync.Mutex
	asked []header // requests whose answer is to come
}

// header says how to read an answer.
type header struct{ key, version int16 }

// Close is called by both goroutines of kfake's connection; the listener counts it once.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.done()
	return err
}

// Read hands out requests and notes what they ask.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.frame) == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.frame)
	c.frame = c.frame[n:]
	return n, nil
}

// next reads the head of the next request. Its body follows through the same buffer.
func (c *conn) next() error {
	var size [4]byte
	if _, err := io.ReadFull(c.Conn, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n < 8 || n > maxRequest {
		return fmt.Errorf("request of %d bytes", n)
	}
	frame := make([]byte, 4+n)
	copy(frame, size[:])
	if _, err := io.ReadFull(c.Conn, frame[4:]); err != nil {
		return err
	}
	h := header{int16(binary.BigEndian.Uint16(frame[4:])), int16(binary.BigEndian.Uint16(frame[6:]))}
	if kmsg.RequestForKey(h.key) == nil {
		return fmt.Errorf("request with unknown API key %d", h.key) // kfake would fall over it
	}
	if h.key != int16(kmsg.Produce) || answered(frame[4:], h.version) {
		c.mu.Lock()
		c.asked = append(c.asked, h)
		c.mu.Unlock()
	}
	c.frame = frame
	return nil
}

// answered tells whether a produce request wants an answer: not with acks=0.
func answered(frame []byte, version int16) bool {
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(version)
	body, err := skipHeader(frame, req.IsFlexible())
	if err == nil {
		err = req.ReadFrom(body)
	}
	return err != nil || req.Acks != 0 // kfake drops the connection of an unreadable request
}

var errHeader = errors.New("request header is cut short")

// skipHeader skips key, version, correlation id, client id and, in flexible versions, tags.
func skipHeader(frame []byte, flexible bool) ([]byte, error) {
	if len(frame) < 10 {
		return nil, errHeader
	}
	n := max(0, int(int16(binary.BigEndian.Uint16(frame[8:]))))
	if len(frame) < 10+n {
		return nil, errHeader
	}
	return skipTags(frame[10+n:], flexible)
}

// skipTags skips the header's tags; clients send none that matter here.
func skipTags(b []byte, flexible bool) ([]byte, error) {
	if !flexible {
		return b, nil
	}
	count, n := binary.Uvarint(b)
	if n <= 0 {
		return nil, errHeader
	}
	for b = b[n:]; count > 0; count-- {
		_, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errHeader
		}
		size, m := binary.Uvarint(b[n:])
		if m <= 0 || size > uint64(len(b)-n-m) {
			return nil, errHeader
		}
		b = b[n+m+int(size):]
	}
	return b, nil
}

// Write sends one answer.
func (c *conn) Write(p []byte) (int, error) {
	out, err := c.rewrite(p)
	if err != nil {
		return 0, err
	}
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *conn) rewrite(p []byte) ([]byte, error) {
	c.mu.Lock()
	if len(c.asked) == 0 {
		c.mu.Unlock()
		return nil, errors.New("answer without a request")
	}
	h := c.asked[0]
	c.asked = c.asked[1:]
	c.mu.Unlock()
	switch kmsg.Key(h.key) {
	case kmsg.Produce:
		return c.produced(p, h.version)
	case kmsg.Fetch:
		return p, fetched(p, h.version)
	}
	return p, nil
}

// produced fills the append times in.
func (c *conn) produced(p []byte, version int16) ([]byte, error) {
	res := kmsg.NewPtrProduceResponse()
	res.SetVersion(version)
	head := answerHeader(res.IsFlexible())
	if len(p) < head {
		return nil, errHeader
	}
	if err := res.ReadFrom(p[head:]); err != nil {
		return nil, fmt.Errorf("read own produce answer: %w", err)
	}
	for i := range res.Topics {
		t := &res.Topics[i]
		name := t.Topic
		if version >= 13 {
			name = c.stamps.topicName(t.TopicID)
		}
		for j := range t.Partitions {
			r := &t.Partitions[j]
			if millis, ok := c.stamps.millis(partition{name, r.Partition}, r.BaseOffset); ok && r.ErrorCode == 0 {
				r.LogAppendTime = millis
			}
		}
	}
	out := res.AppendTo(append([]byte(nil), p[:head]...))
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out, nil
}

// fetched turns marks into bit 3, in place: kmsg's record sets alias p.
func fetched(p []byte, version int16) error {
	res := kmsg.NewPtrFetchResponse()
	res.SetVersion(version)
	head := answerHeader(res.IsFlexible())
	if len(p) < head {
		return errHeader
	}
	if err := res.ReadFrom(p[head:]); err != nil {
		return fmt.Errorf("read own fetch answer: %w", err)
	}
	for _, t := range res.Topics {
		for _, q := range t.Partitions {
			reveal(q.RecordBatches)
		}
	}
	return nil
}

// answerHeader is the length of size, correlation id and, in flexible versions, the empty tags.
func answerHeader(flexible bool) int {
	if flexible {
		return 9
	}
	return 8
}
