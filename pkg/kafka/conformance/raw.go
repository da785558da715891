package conformance

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// Attributes of a batch.
const (
	none          = 0
	snappy        = 2
	zstandard     = 4
	appendStamp   = 1 << 3
	transactional = 1 << 4
)

// raw is a batch that a test makes by itself: what our producer would never send, too.
type raw struct {
	pid        int64
	epoch      int16
	sequence   int32
	attributes uint16
	values     []string
}

// encode follows kafka.apache.org/documentation/#recordbatch, version 2.
func (r raw) encode(t *testing.T) []byte {
	t.Helper()
	var plain []byte
	for i, v := range r.values {
		var rec []byte
		rec = append(rec, 0)                          // attributes
		rec = binary.AppendVarint(rec, 0)             // time
		rec = binary.AppendVarint(rec, int64(i))      // offset
		rec = binary.AppendVarint(rec, -1)            // no key
		rec = binary.AppendVarint(rec, int64(len(v))) // value
		rec = append(append(rec, v...), 0)            // no headers
		plain = binary.AppendVarint(plain, int64(len(rec)))
		plain = append(plain, rec...)
	}
	be, now := binary.BigEndian, uint64(time.Now().Add(-time.Minute).UnixMilli())
	b := be.AppendUint64(nil, 0)
	b = be.AppendUint32(b, 0)          // length
	b = be.AppendUint32(b, 0xffffffff) // leader epoch
	b = append(b, 2)
	b = be.AppendUint32(b, 0) // checksum
	b = be.AppendUint16(b, r.attributes)
	b = be.AppendUint32(b, uint32(len(r.values)-1))
	b = be.AppendUint64(b, now)
	b = be.AppendUint64(b, now)
	b = be.AppendUint64(b, uint64(r.pid))
	b = be.AppendUint16(b, uint16(r.epoch))
	b = be.AppendUint32(b, uint32(r.sequence))
	b = be.AppendUint32(b, uint32(len(r.values)))
	b = append(b, compress(t, r.attributes&7, plain)...)
	be.PutUint32(b[8:], uint32(len(b)-12))
	be.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func compress(t *testing.T, codec uint16, plain []byte) []byte {
	t.Helper()
	switch codec {
	case none:
		return plain
	case snappy:
		return s2.EncodeSnappy(nil, plain)
	case zstandard:
		z, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		return z.EncodeAll(plain, nil)
	}
	t.Fatalf("codec %d", codec)
	return nil
}

// library is kafka-go itself, for what our client does not offer.
func (b Broker) library(t *testing.T) *kafkago.Client {
	t.Helper()
	tr := &kafkago.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &kafkago.Client{Addr: kafkago.TCP(strings.Split(b.Brokers, ",")...), Transport: tr, Timeout: 15 * time.Second}
}

// send sends a record set once, without a retry.
func send(t *testing.T, k *kafkago.Client, topic string, partition int, set []byte, transaction ...string) *kafkago.ProduceResponse {
	t.Helper()
	sized := binary.BigEndian.AppendUint32(nil, uint32(len(set)))
	res, err := k.RawProduce(t.Context(), &kafkago.RawProduceRequest{Topic: topic, Partition: partition, RequiredAcks: kafkago.RequireAll,
		TransactionalID: strings.Join(transaction, ""), RawRecords: protocol.RawRecordSet{Reader: bytes.NewReader(append(sized, set...))}})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// produce sends a record set once; the broker must answer want.
func produce(t *testing.T, k *kafkago.Client, topic string, partition int, set []byte, want error, transaction ...string) *kafkago.ProduceResponse {
	t.Helper()
	res := send(t, k, topic, partition, set, transaction...)
	if !errors.Is(res.Error, want) {
		t.Fatalf("produce to %s/%d: %v, expected %v", topic, partition, res.Error, want)
	}
	return res
}

// newProducerID asks the broker for one. The first use creates an internal topic, which takes a moment.
func newProducerID(t *testing.T, k *kafkago.Client, transaction string) (id int64, epoch int16) {
	t.Helper()
	for {
		res, err := k.InitProducerID(t.Context(), &kafkago.InitProducerIDRequest{TransactionalID: transaction, ProducerID: -1, ProducerEpoch: -1, TransactionTimeoutMs: 60_000})
		if err == nil {
			err = res.Error
		}
		var code kafkago.Error
		switch {
		case err == nil:
			return int64(res.Producer.ProducerID), int16(res.Producer.ProducerEpoch)
		case !errors.As(err, &code) || !code.Temporary():
			t.Fatal(err)
		}
	}
}
