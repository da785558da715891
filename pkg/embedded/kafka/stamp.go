package kafka

import (
	"encoding/binary"
	"hash/crc32"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// kfake stamps append time only on batches whose attribute bit 3 is set by the producer, ignores the topic's
// setting, and keeps the checksum from before the stamp: a checking consumer refuses such a batch, and kfake itself
// drops it from the log when it starts again. So the stamp is ours, in three places:
//
//   - before kfake appends, a hook writes the time into the batch, sets a private mark instead of bit 3, and redoes
//     the checksum (it runs in kfake's only loop, so times rise with offsets);
//   - in a produce answer, the connection fills in the time (answers.go);
//   - in a fetch answer, the connection turns the mark into bit 3 (answers.go).
const (
	attrLogAppend = 1 << 3
	// attrMark is one of the bits that the protocol leaves unused.
	attrMark = 1 << 14
)

// Layout of a record batch, version 2: kafka.apache.org/documentation/#recordbatch.
const (
	offLength     = 8
	offMagic      = 16
	offCRC        = 17
	offAttributes = 21
	offFirstTime  = 27
	offMaxTime    = 35
	batchHeader   = 61
)

// codeInvalidTimestamp is Kafka's error for a producer that sets bit 3 by itself.
const codeInvalidTimestamp = 32

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// kept stamps per partition: more than connections that can wait for the answer of one partition at a time.
const kept = 256

// stamper stamps batches and remembers the last stamps for the answers.
type stamper struct {
	cluster *kfake.Cluster
	mu      sync.Mutex
	recent  map[partition][]stamp
	names   map[[16]byte]string // of stamped topics, for answers that carry ids only
}

type partition struct {
	topic string
	id    int32
}

func newStamper(c *kfake.Cluster) *stamper {
	return &stamper{cluster: c, recent: map[partition][]stamp{}, names: map[[16]byte]string{}}
}

// stamp is the append time of the batch at a base offset.
type stamp struct{ base, millis int64 }

// produce is kfake's hook for produce requests.
func (s *stamper) produce(r kmsg.Request) (kmsg.Response, error, bool) {
	s.cluster.KeepControl()
	req := r.(*kmsg.ProduceRequest)
	if claimsAppendTime(req) {
		return refuse(req), nil, true
	}
	for _, t := range req.Topics {
		name, ok := s.stampedTopic(req.Version, t)
		if !ok {
			continue
		}
		for _, p := range t.Partitions {
			info := s.cluster.PartitionInfo(name, p.Partition)
			if info == nil {
				continue // kfake refuses it
			}
			now := time.Now().UnixMilli()
			if stampBatch(p.Records, now) {
				s.remember(partition{name, p.Partition}, stamp{info.HighWatermark, now})
			}
		}
	}
	return nil, nil, false
}

// stampedTopic asks kfake for the topic's setting: it keeps it with the log, so a restart needs no rule of its own.
func (s *stamper) stampedTopic(version int16, t kmsg.ProduceRequestTopic) (name string, ok bool) {
	var info *kfake.TopicInfo
	if version >= 13 {
		info = s.cluster.TopicIDInfo(t.TopicID)
	} else {
		info = s.cluster.TopicInfo(t.Topic)
	}
	if info == nil {
		return "", false
	}
	v := info.Configs["message.timestamp.type"]
	if v == nil || *v != "LogAppendTime" {
		return "", false
	}
	s.mu.Lock()
	s.names[info.TopicID] = info.Topic
	s.mu.Unlock()
	return info.Topic, true
}

// topicName must not ask kfake: during a stop nothing answers there any more.
func (s *stamper) topicName(id [16]byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[id]
}

func (s *stamper) remember(p partition, st stamp) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := append(s.recent[p], st)
	if len(list) > 2*kept { // cut rarely, copy little
		list = append([]stamp(nil), list[len(list)-kept:]...)
	}
	s.recent[p] = list
}

// millis finds the append time of the batch at base. The last entry wins: a refused batch leaves its stamp behind
// and the next one takes the same offset. A repeated batch finds the stamp of its first try.
func (s *stamper) millis(p partition, base int64) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.recent[p]
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].base == base {
			return list[i].millis, true
		}
	}
	return 0, false
}

// stampBatch writes the time into one batch. It leaves alone what kfake will refuse: a new checksum would hide
// that the batch was damaged on its way.
func stampBatch(b []byte, millis int64) bool {
	be := binary.BigEndian
	if len(b) < batchHeader || b[offMagic] != 2 || crc32.Checksum(b[offAttributes:], castagnoli) != be.Uint32(b[offCRC:]) {
		return false
	}
	be.PutUint64(b[offFirstTime:], uint64(millis))
	be.PutUint64(b[offMaxTime:], uint64(millis))
	setAttributes(b, be.Uint16(b[offAttributes:])|attrMark)
	return true
}

func setAttributes(b []byte, attributes uint16) {
	binary.BigEndian.PutUint16(b[offAttributes:], attributes)
	binary.BigEndian.PutUint32(b[offCRC:], crc32.Checksum(b[offAttributes:], castagnoli))
}

// reveal turns our mark into bit 3 in every whole batch of a record set.
func reveal(set []byte) {
	be := binary.BigEndian
	for len(set) >= batchHeader {
		length := int64(be.Uint32(set[offLength:])) + 12
		if length < batchHeader || length > int64(len(set)) {
			return
		}
		b := set[:length]
		if a := be.Uint16(b[offAttributes:]); b[offMagic] == 2 && a&attrMark != 0 {
			setAttributes(b, a&^attrMark|attrLogAppend)
		}
		set = set[length:]
	}
}

// claimsAppendTime finds a producer that sets bit 3, or our mark, by itself; Kafka refuses the first.
func claimsAppendTime(req *kmsg.ProduceRequest) bool {
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			if len(p.Records) >= batchHeader && binary.BigEndian.Uint16(p.Records[offAttributes:])&(attrLogAppend|attrMark) != 0 {
				return true
			}
		}
	}
	return false
}

// refuse answers every partition of the request with INVALID_TIMESTAMP.
func refuse(req *kmsg.ProduceRequest) kmsg.Response {
	res := req.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range req.Topics {
		rt := kmsg.NewProduceResponseTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			rp := kmsg.NewProduceResponseTopicPartition()
			rp.Partition, rp.ErrorCode = p.Partition, codeInvalidTimestamp
			rt.Partitions = append(rt.Partitions, rp)
		}
		res.Topics = append(res.Topics, rt)
	}
	return res
}
