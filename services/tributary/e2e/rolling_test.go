package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka/kafkatest"
	"github.com/tributary-data/tributary/services/internal/parts"
)

// sharedSession is how long the group of this test keeps a dead member's partitions.
const sharedSession = 10 * time.Second

// team is three sessionizers that share twelve partitions.
type team struct {
	*rounds
	members []*instance
	pauses  pauses
	limit   time.Duration // of the pause of a partition that does not move: a second, beyond what the machine does by itself
}

// pauses are how long acknowledged records waited for their commit, the longest of each partition.
type pauses struct {
	mu      sync.Mutex
	longest map[int]time.Duration
	next    map[int]int64
}

// watch looks at all partitions again and again until ctx ends.
func (m *team) watch(ctx context.Context) {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	var scrapes sync.WaitGroup
	defer scrapes.Wait()
	busy := make([]sync.Mutex, len(m.members))
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for i, one := range m.members {
			if one.runs() && busy[i].TryLock() { // one that stands still holds up nobody
				scrapes.Go(func() {
					defer busy[i].Unlock()
					m.committed(one.offsets(ctx))
				})
			}
		}
		m.wait(time.Now())
	}
}

func (m *team) committed(offsets map[int]int64) {
	m.pauses.mu.Lock()
	defer m.pauses.mu.Unlock()
	for p, next := range offsets {
		m.pauses.next[p] = max(m.pauses.next[p], next)
	}
}

func (m *team) wait(now time.Time) {
	m.pauses.mu.Lock()
	defer m.pauses.mu.Unlock()
	for p := range m.n {
		m.pauses.longest[p] = max(m.pauses.longest[p], m.waiting(m.pauses.next[p], now))
	}
}

// since returns the longest pauses of the partitions in the list and of the others, and forgets them.
func (m *team) since(list []int) (theirs, others time.Duration) {
	m.pauses.mu.Lock()
	defer m.pauses.mu.Unlock()
	for p, d := range m.pauses.longest {
		if slices.Contains(list, p) {
			theirs = max(theirs, d)
		} else {
			others = max(others, d)
		}
	}
	m.pauses.longest = map[int]time.Duration{}
	return theirs.Round(time.Millisecond), others.Round(time.Millisecond)
}

// undisturbed is the longest pause while nothing happens, which is this machine's own.
func (m *team) undisturbed(t *testing.T) time.Duration {
	t.Helper()
	count := func() int {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.acked)
	}
	m.since(nil)
	from := count()
	if err := await(t.Context(), "thirty rounds", nil, func(context.Context) (bool, error) { return count() >= from+30, nil }); err != nil {
		t.Fatal(err)
	}
	_, all := m.since(nil)
	return all
}

// shared waits until these members have all partitions, each the same number, and have caught up.
func (m *team) shared(t *testing.T, members ...*instance) (who map[int]string) {
	t.Helper()
	err := await(t.Context(), "the members to share the partitions", nil, func(ctx context.Context) (ok bool, err error) {
		if who, err = owners(ctx, members, m.n); err != nil {
			return false, err
		}
		for _, i := range members {
			if list := of(who, i.name); len(list) != m.n/len(members) {
				return false, fmt.Errorf("%s folds %v", i.name, list)
			}
		}
		m.pauses.mu.Lock()
		defer m.pauses.mu.Unlock()
		for p := range m.n {
			if w := m.waiting(m.pauses.next[p], time.Now()); w > time.Second {
				return false, fmt.Errorf("partition %d waits since %s", p, w)
			}
		}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return who
}

// noted waits until the group's notes of every partition are of its owner, and of after a moment.
func (m *team) noted(t *testing.T, who map[int]string, after time.Time) {
	t.Helper()
	visitor := parts.Stages(0, 0)[0]
	err := await(t.Context(), "the owners to commit to the group", nil, func(ctx context.Context) (bool, error) {
		said, err := m.client.Progress(ctx, visitor.Group(), visitor.Topic, m.n)
		if err != nil {
			return false, err
		}
		for p, s := range said {
			if s.Instance != who[p] || s.At < after.UnixMilli() {
				return false, fmt.Errorf("partition %d was committed by %s at %s, its owner is %s", p, s.Instance, time.UnixMilli(s.At), who[p])
			}
		}
		return true, nil
	})
	if err != nil {
		t.Error(err)
	}
}

// Ensure that a restart moves nothing, that a death moves what the dead one had and nothing else, that nobody else pauses, and that
// whatever happened, also to one that stood still for longer than its session, the sessions are those of a fold that nobody disturbed.
func TestRollingRestart(t *testing.T) {
	skipIfShort(t)
	broker := kafkatest.Start(t, kafkatest.Options{})
	m := &team{rounds: newRounds(t, broker.Brokers(), 12, 480, time.Minute), pauses: pauses{longest: map[int]time.Duration{}, next: map[int]int64{}}}
	vault := t.TempDir()
	set := []string{"TRIBUTARY_KAFKA_BROKERS=" + broker.Brokers(), "TRIBUTARY_CHECKPOINTS=" + vault, "TRIBUTARY_CHECKPOINT_EVERY=1s",
		"TRIBUTARY_OWNERSHIP=group", "TRIBUTARY_KAFKA_HEARTBEAT=300ms", "TRIBUTARY_KAFKA_SESSION_TIMEOUT=" + sharedSession.String()}
	for _, name := range []string{"a", "b", "c"} {
		m.members = append(m.members, sessionizer(t, name, set...))
		m.members[len(m.members)-1].start(t)
	}
	end := m.flow(t)
	defer end()
	watching, stop := context.WithCancel(t.Context())
	var watcher sync.WaitGroup
	watcher.Go(func() { m.watch(watching) })
	defer func() { stop(); watcher.Wait() }()
	who := m.shared(t, m.members...)

	still := m.undisturbed(t)
	m.limit = time.Second + still
	t.Logf("undisturbed, the longest pause is %s", still)
	var others []time.Duration
	for _, one := range m.members {
		others = append(others, m.restarted(t, one, who))
	}
	slices.Sort(others)
	if others[1] > m.limit { // one may be the machine's fault
		t.Errorf("at restarts, partitions of others paused for %s", others)
	}
	m.noted(t, who, time.Now())
	who = m.died(t, m.members[2], who)
	who = m.cameBack(t, m.members[2], who)
	m.stoodStill(t, m.members[0], who)

	end()
	watermark := m.close(t)
	got := m.sessions(t, 0, watermark)
	alone := sessionizer(t, "alone", "TRIBUTARY_KAFKA_BROKERS="+broker.Brokers(), "TRIBUTARY_CHECKPOINTS="+t.TempDir(), "TRIBUTARY_OWNERSHIP=all", "TRIBUTARY_EPOCH=1")
	alone.start(t)
	want := m.sessions(t, 1, watermark)
	if len(want) < 12*10 {
		t.Errorf("the rounds make %d sessions only", len(want))
	}
	same(t, "sessions", got, want)
	t.Logf("%d rounds, %d sessions, as undisturbed", len(m.acked), len(got))
}

// restarted ends a member and starts it again. It returns how long partitions of others paused.
func (m *team) restarted(t *testing.T, one *instance, before map[int]string) (others time.Duration) {
	t.Helper()
	var generations []int
	for _, i := range m.members {
		generations = append(generations, len(i.assignments(t)))
	}
	m.since(nil)
	began := time.Now()
	one.stop(t)
	one.start(t)
	after := m.shared(t, m.members...)
	took := time.Since(began)
	if list := moved(before, after); len(list) > 0 {
		t.Errorf("%s was restarted and partitions %v moved: before %v, after %v", one.name, list, before, after)
	}
	for j, i := range m.members {
		all := i.assignments(t)
		switch {
		case i != one && len(all) > generations[j]:
			t.Errorf("%s was restarted and %s was given partitions anew: %+v", one.name, i.name, all[generations[j]:])
		case i == one && len(all) != generations[j]+1:
			t.Errorf("%s was given partitions %d times since its restart", i.name, len(all)-generations[j])
		case i == one && all[len(all)-1].Generation != all[len(all)-2].Generation:
			t.Errorf("%s came back into another generation: %+v", i.name, all[len(all)-2:])
		}
	}
	theirs, others := m.since(of(before, one.name))
	t.Logf("%s restarted: back after %s, its partitions paused %s, the others %s", one.name, took.Round(time.Millisecond), theirs, others)
	return others
}

// died kills a member for good.
func (m *team) died(t *testing.T, one *instance, before map[int]string) (after map[int]string) {
	t.Helper()
	had := of(before, one.name)
	m.since(nil)
	one.kill(t)
	after = m.shared(t, m.members[:2]...)
	if list := moved(before, after); fmt.Sprint(list) != fmt.Sprint(had) {
		t.Errorf("%s died and had %v, moved have %v: before %v, after %v", one.name, had, list, before, after)
	}
	restored := 0
	for _, i := range m.members[:2] {
		restored += strings.Count(i.log(t), "restored from a checkpoint")
	}
	if restored != len(had) {
		t.Errorf("%d partitions were restored from checkpoints, %d moved", restored, len(had))
	}
	theirs, others := m.since(had)
	t.Logf("%s killed: partitions %v moved and paused %s, the others %s", one.name, had, theirs, others)
	if others > m.limit {
		t.Errorf("%s died and partitions of others paused for %s", one.name, others)
	}
	if theirs > sharedSession+5*time.Second {
		t.Errorf("%s died and its partitions paused for %s", one.name, theirs)
	}
	return after
}

// cameBack starts the dead member again.
func (m *team) cameBack(t *testing.T, one *instance, before map[int]string) (after map[int]string) {
	t.Helper()
	m.since(nil)
	one.start(t)
	after = m.shared(t, m.members...)
	list := moved(before, after)
	if fmt.Sprint(list) != fmt.Sprint(of(after, one.name)) {
		t.Errorf("%s came back and has %v, moved have %v", one.name, of(after, one.name), list)
	}
	theirs, others := m.since(list)
	t.Logf("%s came back: partitions %v moved and paused %s, the others %s", one.name, list, theirs, others)
	if others > m.limit {
		t.Errorf("%s came back and partitions of others paused for %s", one.name, others)
	}
	return after
}

// stoodStill stops a member's process for longer than its session, and lets it go on.
func (m *team) stoodStill(t *testing.T, one *instance, before map[int]string) {
	t.Helper()
	m.since(nil)
	one.signal(t, syscall.SIGSTOP)
	after := m.shared(t, m.members[1:]...)
	if list := moved(before, after); fmt.Sprint(list) != fmt.Sprint(of(before, one.name)) {
		t.Errorf("%s stood still and had %v, moved have %v", one.name, of(before, one.name), list)
	}
	theirs, others := m.since(of(before, one.name))
	t.Logf("%s stood still: its partitions paused %s, the others %s", one.name, theirs, others)
	one.signal(t, syscall.SIGCONT)
	if err := await(t.Context(), one.name+" to take part again", nil, func(context.Context) (bool, error) {
		given := one.assignments(t)
		if !one.runs() {
			return false, errors.New("it ended")
		}
		return len(given[len(given)-1].Partitions) == 4 && given[len(given)-1].Generation > given[len(given)-2].Generation, nil
	}); err != nil {
		t.Fatal(err)
	}
	theirs, others = m.since(moved(after, m.shared(t, m.members...)))
	t.Logf("%s goes on: its partitions paused %s, the others %s", one.name, theirs, others)
}
