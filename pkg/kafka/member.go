package kafka

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// assignor is the name of our way to share partitions. Members of one group must all know it: an incompatible change takes a
// new name.
const assignor = "tributary-sticky"

// member is this instance's place in a generation of its group.
type member struct {
	group string
	// instance makes it a static member: it may go and come back within the session timeout without moving anything. Empty: dynamic.
	instance   string
	id         string
	generation int32
}

// join takes part in the next generation of the group, or in the one that goes on, and returns this instance's partitions.
func (g *Group) join(ctx context.Context, m *member, mine claim) ([]int32, error) {
	data, err := json.Marshal(mine)
	if err != nil {
		return nil, err
	}
	limit, cancel := context.WithTimeout(ctx, g.Session+g.Client.config.Timeout)
	defer cancel()
	req := &kafkago.JoinGroupRequest{GroupID: g.ID, SessionTimeout: g.Session, RebalanceTimeout: g.Session, MemberID: m.id,
		GroupInstanceID: m.instance, ProtocolType: "consumer", Protocols: []kafkago.GroupProtocol{{Name: assignor,
			Metadata: kafkago.GroupProtocolSubscription{Topics: []string{g.Topic}, UserData: data}}}}
	joined, err := g.patient().JoinGroup(limit, req)
	if err == nil && errors.Is(joined.Error, kafkago.MemberIDRequired) {
		req.MemberID = joined.MemberID
		joined, err = g.patient().JoinGroup(limit, req)
	}
	if err == nil {
		err = joined.Error
	}
	if err != nil {
		return nil, fmt.Errorf("join group %s: %w", g.ID, err)
	}
	m.id, m.generation = joined.MemberID, int32(joined.GenerationID)
	sync := &kafkago.SyncGroupRequest{GroupID: g.ID, GenerationID: joined.GenerationID, MemberID: m.id, GroupInstanceID: m.instance,
		ProtocolType: "consumer", ProtocolName: assignor}
	if joined.LeaderID == m.id {
		sync.Assignments = g.shares(joined.Members)
	}
	synced, err := g.patient().SyncGroup(limit, sync)
	if err == nil {
		err = synced.Error
	}
	if err != nil {
		return nil, fmt.Errorf("learn the partitions of group %s: %w", g.ID, err)
	}
	out := []int32{}
	for _, p := range synced.Assignment.AssignedPartitions[g.Topic] {
		out = append(out, int32(p))
	}
	return out, nil
}

// patient waits for an answer as long as the group may take to gather.
func (g *Group) patient() *kafkago.Client {
	return &kafkago.Client{Addr: g.Client.addr, Transport: g.Client.transport, Timeout: g.Session + g.Client.config.Timeout}
}

// shares is the leader's work.
func (g *Group) shares(members []kafkago.JoinGroupResponseMember) (out []kafkago.SyncGroupRequestAssignment) {
	var list []candidate
	for _, m := range members {
		c := candidate{id: m.ID}
		if json.Unmarshal(m.Metadata.UserData, &c.claim) != nil || c.Name == "" {
			c.claim = claim{Name: m.ID} // it says nothing that we understand: it has nothing
		}
		list = append(list, c)
	}
	for id, parts := range assign(list, g.Partitions) {
		ints := make([]int, len(parts))
		for i, p := range parts {
			ints[i] = int(p)
		}
		out = append(out, kafkago.SyncGroupRequestAssignment{MemberID: id,
			Assignment: kafkago.GroupProtocolAssignment{AssignedPartitions: map[string][]int{g.Topic: ints}}})
	}
	return out
}

// heartbeat says that the member lives, with version 4: kafka-go's own hides what the coordinator answers (kafka4.md §0.4).
func (c *Client) heartbeat(ctx context.Context, m member) error {
	b := appendCompact(nil, m.group)
	b = binary.BigEndian.AppendUint32(b, uint32(m.generation))
	b = appendCompact(b, m.id)
	b = append(appendNullable(b, m.instance), 0)
	return c.toGroup(ctx, &groupCall{call{key: protocol.Heartbeat, version: 4, body: b}, m.group})
}

// leave gives the member's partitions up at once, with LeaveGroup version 4.
func (c *Client) leave(ctx context.Context, m member) error {
	b := appendCompact(nil, m.group)
	b = binary.AppendUvarint(b, 2) // one member
	b = appendCompact(b, m.id)
	b = append(appendNullable(b, m.instance), 0, 0)
	return c.toGroup(ctx, &groupCall{call{key: protocol.LeaveGroup, version: 4, body: b}, m.group})
}

// toGroup carries a request whose answer begins with a throttle time and an error.
func (c *Client) toGroup(ctx context.Context, m *groupCall) error {
	a, err := c.roundTrip(ctx, m)
	if err != nil {
		return err
	}
	r := a.cursor()
	r.skip(4)
	if code := r.int16(); r.err == nil && code != 0 {
		return kafkago.Error(code)
	}
	return r.err
}
