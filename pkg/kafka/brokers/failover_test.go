package brokers_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka/kafkatest"
)

// strikes is how much more happens than CI has time for: scripts/proof brokers.
var (
	strikes = flag.Int("strikes", 0, "so many strikes more, each drawn by lot")
	seed    = flag.Uint64("seed", 1, "of the lots")
)

// three are brokers with a network of their own where this machine gives them one; why not is said else.
func three(t *testing.T) (c *kafkatest.Cluster, why error) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: three brokers take 600 MB and a minute")
	}
	kafkatest.Need(t)
	if _, err := exec.LookPath("ip"); err != nil && os.Geteuid() == 0 && kafkatest.Required() {
		t.Fatalf("install iproute2: %v", kafkatest.ErrNetwork)
	}
	c, err := kafkatest.Launch(t.Context(), kafkatest.Options{Nodes: 3, Network: true, Dir: t.TempDir()})
	if errors.Is(err, kafkatest.ErrNetwork) {
		return kafkatest.Start(t, kafkatest.Options{Nodes: 3}), err
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, nil
}

// leader of partition 0, once all brokers agree: one that was away may still speak of the past.
func (l *load) leader(t *testing.T) (id int) {
	t.Helper()
	await(t, "the brokers to agree on a leader of partition 0", func() error {
		var said []int
		for i := range l.cluster.Nodes() {
			leaders, err := kafkatest.Leaders(t.Context(), l.cluster.Addr(i+1), l.topic)
			if err != nil {
				return err
			}
			said = append(said, leaders[0])
		}
		id = said[0]
		if all := slices.Compact(said); len(all) != 1 || id <= 0 {
			return fmt.Errorf("they say %v", all)
		}
		return nil
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
	c, noNetwork := three(t)
	l := start(t, c, "failover")
	plan := []trouble{killed, killed, ended, paused, cutOff}
	lots := rand.New(rand.NewPCG(*seed, 0))
	for range *strikes {
		plan = append(plan, []trouble{killed, ended, paused, cutOff}[lots.IntN(4)])
	}
	for _, x := range plan {
		if !t.Run(x.name, func(t *testing.T) {
			if x.network && noNetwork != nil {
				t.Skip(noNetwork)
			}
			l.strike(t, x)
		}) {
			break
		}
	}
	l.settle(t)
	l.epochs(t)
}
