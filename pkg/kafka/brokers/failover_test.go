package brokers_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka/kafkatest"
)

// three are brokers with a network of their own where this machine gives them one.
func three(t *testing.T) (c *kafkatest.Cluster, network bool) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: three brokers take 600 MB and a minute")
	}
	kafkatest.Need(t)
	dir := t.TempDir()
	c, err := kafkatest.Launch(t.Context(), kafkatest.Options{Nodes: 3, Network: true, Dir: dir})
	if errors.Is(err, kafkatest.ErrNetwork) {
		return kafkatest.Start(t, kafkatest.Options{Nodes: 3}), false
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, true
}

// leader of partition 0.
func (l *load) leader(t *testing.T) (id int) {
	t.Helper()
	await(t, "a leader of partition 0", func() error {
		leaders, err := kafkatest.Leaders(t.Context(), l.cluster.Brokers(), l.topic)
		if id = leaders[0]; err == nil && id == 0 {
			err = errors.New("there is none")
		}
		return err
	})
	return id
}

// without waits until a broker leads nothing.
func (l *load) without(t *testing.T, broker int) {
	t.Helper()
	var others string
	for i := range l.cluster.Nodes() {
		if i+1 != broker {
			others += l.cluster.Addr(i+1) + ","
		}
	}
	await(t, fmt.Sprintf("broker %d to lead nothing", broker), func() error {
		leaders, err := kafkatest.Leaders(t.Context(), others[:len(others)-1], l.topic)
		if err != nil {
			return err
		}
		for p, id := range leaders {
			if id == broker || id <= 0 {
				return fmt.Errorf("partition %d is led by %d", p, id)
			}
		}
		return nil
	})
}

// trouble is what happens to the leader of partition 0.
type trouble struct {
	name    string
	network bool // only with a network of its own
	harm    func(*kafkatest.Cluster, int) error
	mend    func(*kafkatest.Cluster, int) error
}

var (
	killed = trouble{"killed", false, (*kafkatest.Cluster).Kill, (*kafkatest.Cluster).Restart}
	ended  = trouble{"stopped", false, (*kafkatest.Cluster).Stop, (*kafkatest.Cluster).Restart}
	paused = trouble{"paused", false, (*kafkatest.Cluster).Pause, (*kafkatest.Cluster).Continue}
	cutOff = trouble{"cut off", true, (*kafkatest.Cluster).Cut, (*kafkatest.Cluster).Heal}
)

// strike does it, and waits until everything moves without the broker; then until the broker is back in sync and everything moves.
func (l *load) strike(t *testing.T, x trouble) {
	t.Helper()
	l.moves(t)
	l.pause()
	victim, began := l.leader(t), time.Now()
	if err := x.harm(l.cluster, victim); err != nil {
		t.Fatal(err)
	}
	l.without(t, victim)
	l.moves(t)
	moved := time.Since(began)
	if err := x.mend(l.cluster, victim); err != nil {
		t.Fatal(err)
	}
	mended := time.Now()
	if err := l.cluster.InSync(t.Context(), l.topic); err != nil {
		t.Fatal(err)
	}
	l.moves(t)
	t.Logf("broker %d %s: all moved again after %s, in sync %s after it came back; the longest pause of a lane was %s",
		victim, x.name, moved.Round(time.Millisecond), time.Since(mended).Round(time.Millisecond), l.pause().Round(time.Millisecond))
}

// Ensure that what was acknowledged is stored, in order, and read once, whatever happens to the brokers that lead.
func TestFailover(t *testing.T) {
	c, network := three(t)
	l := start(t, c, "failover")
	for _, x := range []trouble{killed, killed, ended, paused, cutOff} {
		if x.network && !network {
			t.Logf("not %s: %v", x.name, kafkatest.ErrNetwork)
			continue
		}
		l.strike(t, x)
	}
	l.settle(t)
	l.epochs(t)
}
