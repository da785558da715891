package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// Limits of a batch: far below the broker's max.message.bytes of 1 MiB even when nothing compresses.
const (
	maxBatchBytes   = 512 << 10
	maxBatchRecords = 10000
	// reinitAfter renews a producer id that idled so long that the broker may have forgotten it (24 h there).
	reinitAfter = 12 * time.Hour
)

// lane writes batches to one partition, one in flight, the identical bytes on every retry. Not for concurrent use.
type lane struct {
	client    *Client
	topic     string
	partition int

	producer producer
	ready    bool
	sequence int32
	lastSent time.Time
	scratch  []byte
	buf      []byte
}

// ack is what the broker said of one batch.
type ack struct {
	base       int64
	appendTime time.Time
}

// write sends one batch and retries until it is acknowledged or ctx ends.
func (l *lane) write(ctx context.Context, messages []Message, now time.Time) (ack, error) {
	backoff := 20 * time.Millisecond
	encoded := false
	for {
		if !l.ready || now.Sub(l.lastSent) > reinitAfter {
			if err := l.init(ctx); err != nil {
				if werr := wait(ctx, backoff); werr != nil {
					return ack{}, errors.Join(werr, err)
				}
				backoff = min(2*backoff, time.Second)
				continue
			}
			encoded = false
		}
		if !encoded {
			l.buf, l.scratch = encodeBatch(l.buf[:0], l.scratch, messages, l.producer, l.sequence, now.UnixMilli())
			encoded = true
		}
		a, err := l.send(ctx, len(messages))
		switch {
		case err == nil:
			l.sequence = nextSequence(l.sequence, len(messages))
			l.lastSent = now
			return a, nil
		case fatal(err):
			return ack{}, fmt.Errorf("produce to %s/%d: %w", l.topic, l.partition, err)
		case needsProducer(err):
			l.ready = false // repeats change nothing downstream (design §3)
		}
		if werr := wait(ctx, backoff); werr != nil {
			return ack{}, errors.Join(fmt.Errorf("produce to %s/%d: %w", l.topic, l.partition, err), werr)
		}
		backoff = min(2*backoff, time.Second)
	}
}

// nextSequence wraps at 2^31 as the protocol says.
func nextSequence(s int32, n int) int32 { return int32((int64(s) + int64(n)) & 0x7fffffff) }

func (l *lane) init(ctx context.Context) error {
	res, err := l.client.client.InitProducerID(ctx, &kafkago.InitProducerIDRequest{ProducerID: -1, ProducerEpoch: -1, TransactionTimeoutMs: 60000})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return fmt.Errorf("init producer id: %w", err)
	}
	l.producer = producer{id: int64(res.Producer.ProducerID), epoch: int16(res.Producer.ProducerEpoch)}
	l.sequence, l.ready, l.lastSent = 0, true, time.Now()
	return nil
}

func (l *lane) send(ctx context.Context, count int) (ack, error) {
	limit, cancel := context.WithTimeout(ctx, l.client.config.Timeout)
	defer cancel()
	res, err := l.client.client.RawProduce(limit, &kafkago.RawProduceRequest{Topic: l.topic, Partition: l.partition,
		RequiredAcks: kafkago.RequireAll, RawRecords: protocol.RawRecordSet{Reader: newSizedReader(l.buf)}})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return ack{}, err
	}
	return ack{base: res.BaseOffset, appendTime: res.LogAppendTime}, nil
}

func needsProducer(err error) bool {
	return errors.Is(err, kafkago.OutOfOrderSequenceNumber) || errors.Is(err, kafkago.InvalidProducerEpoch) ||
		errors.Is(err, kafkago.Error(59)) // unknown producer id
}

func fatal(err error) bool {
	for _, e := range []kafkago.Error{kafkago.MessageSizeTooLarge, kafkago.TopicAuthorizationFailed, kafkago.InvalidTimestamp, kafkago.Error(87)} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// newSizedReader prefixes the batch with its length, as a raw record set is written.
func newSizedReader(b []byte) io.Reader {
	var size [4]byte
	binary.BigEndian.PutUint32(size[:], uint32(len(b)))
	return &sizedReader{size: size, batch: b}
}

// sizedReader hands out size and batch without joining them.
type sizedReader struct {
	size  [4]byte
	batch []byte
	off   int
}

func (r *sizedReader) Read(p []byte) (int, error) {
	n := 0
	if r.off < len(r.size) {
		n = copy(p, r.size[r.off:])
	}
	if at := r.off + n - len(r.size); at >= 0 && n < len(p) {
		n += copy(p[n:], r.batch[min(at, len(r.batch)):])
	}
	r.off += n
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
