package kafka

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/tributary-data/tributary/pkg/stream"
)

var errClosed = errors.New("the partition was closed")

// queued batches per partition: one in the fold's hands, one waiting.
const queued = 2

// partition is the stream.Source of one partition. Its reader's lock guards all of it, but for what the fold uses: batches, and
// err after they closed.
type partition struct {
	id       int32
	position stream.Position // Next and LeaderEpoch move with each delivery
	batches  chan stream.Batch
	ended    bool
	err      error

	leader    leadership // broker −1: none is known
	comparing bool
	compared  bool // with the log, under this leader
	greeted   bool // the fold knows that its log fits
	turn      int  // counts requests: an answer to an old one changes nothing
	asked     bool // a request of this turn is on its way
	damaged   int  // answers in a row with a wrong checksum
	failures  int  // tries in a row that failed
	notBefore time.Time
}

func newPartition(id int32, from stream.Position) *partition {
	return &partition{id: id, position: from, batches: make(chan stream.Batch, queued), leader: leadership{broker: -1, epoch: -1}}
}

// Batches delivers in order; it closes after an error.
func (p *partition) Batches() <-chan stream.Batch { return p.batches }

// Err is why Batches closed.
func (p *partition) Err() error { return p.err }

// end closes the source.
func (p *partition) end(err error) {
	if !p.ended {
		p.err, p.ended = err, true
		close(p.batches)
	}
}

// led takes the leader from the topic's layout. A new one may have another log: it is compared before the next fetch.
func (p *partition) led(l *layout) {
	leader, ok := l.partitions[p.id]
	if !ok {
		leader = leadership{broker: -1, epoch: -1}
	}
	if leader.epoch != p.leader.epoch || p.foreign(l.id) {
		p.compared = false
	}
	if leader != p.leader {
		p.leader, p.asked = leader, false // what the old leader still answers is not of this turn
		p.turn++
	}
}

// greet tells the fold, with an empty batch, that its log fits.
func (p *partition) greet(have Range) {
	if !p.greeted && !p.ended {
		p.greeted = true
		p.batches <- stream.Batch{Next: p.position.Next, HighWatermark: have.Last, Topic: p.position.Topic, LeaderEpoch: p.position.LeaderEpoch}
	}
}

// foreign tells whether a topic is another one than the position is of.
func (p *partition) foreign(topic [16]byte) bool {
	return p.position.Topic != [16]byte{} && p.position.Topic != topic
}

// fetchable tells whether its leader may be asked for it.
func (p *partition) fetchable() bool { return !p.ended && p.compared && p.leader.broker >= 0 }

// failed puts the next try off; the leader has to be asked for again.
func (p *partition) failed(now time.Time) {
	p.failures++
	p.notBefore = now.Add(backoff(p.failures))
	p.leader.broker = -1
	p.asked = false
	p.turn++
}

// room tells whether a batch more can be taken.
func (p *partition) room() bool { return len(p.batches) < queued }

// backoff doubles from 50 ms to 1.6 s, with half of it left to chance so that many do not march in step.
func backoff(failures int) time.Duration {
	d := 50 * time.Millisecond << min(failures-1, 5)
	return d/2 + rand.N(d/2)
}
