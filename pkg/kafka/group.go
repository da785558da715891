package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/tributary-data/tributary/pkg/stream"
)

// Group shares the partitions of a topic among the instances that join it, with Kafka's classic protocol. Where a partition
// continues is its state's business: the group's offsets are never a start position.
//
// A member keeps folding what it has while the group gathers anew. For a moment two may fold one partition: that changes no
// result (design §3), and it spares the partitions that do not move every pause.
type Group struct {
	// Client of the cluster.
	Client *Client
	// ID of the group, Topic whose partitions are shared, and how many it has.
	ID, Topic  string
	Partitions int
	// Instance makes this a static member of that name: a restart within the session timeout moves nothing. Empty: a dynamic
	// member, which gives its partitions up when it stops.
	Instance string
	// Stored lists partitions whose state is here from before. May be nil.
	Stored func() []int32
	// Joined is told of each generation that this member takes part in, with its partitions. May be nil.
	Joined func(generation int32, partitions []int32)
	// Heartbeat interval: how fast an instance notices that another one joined. Default: 3s
	Heartbeat time.Duration
	// Session timeout: how long a dead instance keeps its partitions; a drain must end within a third of it. Default: 45s
	Session time.Duration
}

// ErrFenced says that another instance runs under this one's name.
var ErrFenced = errors.New("another instance has taken this one's place")

// leaveWithin is how long a member takes to say that it goes.
const leaveWithin = 2 * time.Second

// Run joins and tells f of the partitions of each generation until ctx ends.
func (g Group) Run(ctx context.Context, f Folder) error {
	if g.Heartbeat <= 0 {
		g.Heartbeat = 3 * time.Second
	}
	if g.Session <= 0 {
		g.Session = 45 * time.Second
	}
	m := member{group: g.ID, instance: g.Instance}
	defer func() {
		if m.id != "" && m.instance == "" {
			limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
			defer cancel()
			_ = g.Client.leave(limit, m) // the session timeout does it else
		}
	}()
	mine := claim{Name: g.name(), Owned: []int32{}}
	for failures := 0; ctx.Err() == nil; {
		if g.Stored != nil {
			mine.Stored = g.Stored()
		}
		partitions, err := g.join(ctx, &m, mine)
		if err == nil {
			mine.Owned, mine.Generation = slices.Clone(partitions), m.generation
			if g.Joined != nil {
				g.Joined(m.generation, partitions)
			}
			if err = g.drain(ctx, f, partitions); err != nil {
				return err
			}
			failures = 0
			err = g.stay(ctx, m, f)
		}
		if err = g.after(ctx, &m, err); err != nil {
			return err
		}
		failures++
		if failures > 1 {
			_ = wait(ctx, backoff(failures)) // the loop looks at the context's end
		}
	}
	return nil
}

func (g Group) name() string {
	if g.Instance != "" {
		return g.Instance
	}
	return clientName
}

// drain gives f its partitions. It must end long before the coordinator takes this member for dead. What is not closed by then goes
// on beside its next owner for a while, which changes no result; to end for that would move the other partitions too.
func (g Group) drain(ctx context.Context, f Folder, partitions []int32) error {
	limit, cancel := context.WithTimeout(ctx, g.Session/3)
	defer cancel()
	err := f.Assign(limit, partitions)
	if errors.Is(err, stream.ErrClosing) {
		g.Client.config.Waiting(fmt.Errorf("group %s took partitions from this instance, and %s was not enough to close them: %w", g.ID, g.Session/3, err))
		return nil
	}
	if err != nil {
		return fmt.Errorf("hand over partitions of group %s within %s: %w", g.ID, g.Session/3, err)
	}
	return nil
}

// stay sends heartbeats, and commits progress, until the generation ends.
func (g Group) stay(ctx context.Context, m member, f Folder) error {
	committer := committer{client: g.Client, topic: g.Topic, by: g.Instance, member: m}
	committed, answered := time.Now(), time.Now()
	for {
		if err := wait(ctx, g.Heartbeat); err != nil {
			return nil
		}
		err := g.heartbeat(ctx, m)
		switch {
		case err == nil:
			answered = time.Now()
		case !retryable(err) || time.Since(answered) > g.Session:
			return err
		}
		if err == nil && time.Since(committed) >= commitEvery {
			committed = time.Now()
			committer.commit(ctx, f.Progress())
		}
	}
}

// heartbeat waits for its answer no longer than leaves time for another one within the session.
func (g Group) heartbeat(ctx context.Context, m member) error {
	limit, cancel := context.WithTimeout(ctx, g.Session/3)
	defer cancel()
	return g.Client.heartbeat(limit, m)
}

// after decides what an end of a generation means. Its own error ends the member.
func (g Group) after(ctx context.Context, m *member, err error) error {
	switch {
	case err == nil || ctx.Err() != nil:
		return nil
	case errors.Is(err, kafkago.FencedInstanceID):
		return fmt.Errorf("group %s knows another instance under the name %s, and it took over: give each instance a name of its own (TRIBUTARY_INSTANCE): %w", g.ID, m.instance, ErrFenced)
	case errors.Is(err, kafkago.InvalidSessionTimeout):
		return fmt.Errorf("the broker does not allow a session timeout of %s: set TRIBUTARY_KAFKA_SESSION_TIMEOUT between its group.min.session.timeout.ms and group.max.session.timeout.ms: %w", g.Session, err)
	case errors.Is(err, kafkago.GroupAuthorizationFailed):
		return fmt.Errorf("no permission to join group %s: run as an account that may: %w", g.ID, err)
	case errors.Is(err, kafkago.UnknownMemberId):
		m.id = "" // the coordinator gave us up
	case errors.Is(err, kafkago.InconsistentGroupProtocol):
		g.Client.config.Waiting(fmt.Errorf("group %s has members that share partitions in another way: stop them, or use another group: %w", g.ID, err))
	case errors.Is(err, kafkago.RebalanceInProgress), errors.Is(err, kafkago.IllegalGeneration):
	default:
		g.Client.config.Waiting(err)
	}
	return nil
}

// retryable tells whether a heartbeat may be sent again under the same generation.
func retryable(err error) bool {
	var code kafkago.Error
	if !errors.As(err, &code) {
		return true // the connection, not the coordinator
	}
	switch code {
	case kafkago.GroupCoordinatorNotAvailable, kafkago.NotCoordinatorForGroup, kafkago.GroupLoadInProgress, kafkago.LeaderNotAvailable:
		return true
	}
	return false
}
