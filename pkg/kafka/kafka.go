// Package kafka is the adapter of segmentio/kafka-go, and its only importer.
//
// It uses the library's Transport (connections, metadata, authentication) and speaks Fetch and record batches by
// itself, since neither Reader nor Writer keep the promises that exactness needs (kafka4.md §0). It knows
// records as bytes only: what they mean is the folds' business.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// Config of the connection to a cluster.
type Config struct {
	// Brokers to ask first, host:port, comma separated.
	Brokers string `env:"BROKERS" envDefault:"127.0.0.1:9092" help:"brokers to ask first, host:port, comma separated"`
	// Timeout of one request beyond its own wait.
	Timeout time.Duration `env:"TIMEOUT" envDefault:"10s" help:"of one request, beyond its own wait"`
	// Heartbeat of group members: how fast they notice that another one joined.
	Heartbeat time.Duration `env:"HEARTBEAT" envDefault:"3s" help:"of group members: how fast they notice that another one joined"`
	// SessionTimeout of group members: how long a dead one keeps its partitions; a drain must end within it.
	SessionTimeout time.Duration `env:"SESSION_TIMEOUT" envDefault:"45s" help:"of group members: how long a dead one keeps its partitions"`
	// Security of the connections.
	Security Security `envPrefix:""`
	// Waiting is told what is waited for: at once, and again every ten seconds. May be nil.
	Waiting func(why error) `env:"-"`
	// Dial connects; nil is plain TCP.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error) `env:"-"`
}

// Client talks to one cluster. It is safe for concurrent use.
type Client struct {
	config    Config
	addr      net.Addr
	transport *kafkago.Transport
	client    *kafkago.Client
}

// NewClient prepares a client; it reads the files that the settings name, and connects at its first request.
func NewClient(c Config) (*Client, error) {
	if err := checkAddresses(c.Brokers); err != nil {
		return nil, err
	}
	encryption, err := c.Security.encryption()
	if err != nil {
		return nil, err
	}
	login, err := c.Security.login()
	if err != nil {
		return nil, err
	}
	if c.Waiting == nil {
		c.Waiting = func(error) {}
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	t := &kafkago.Transport{MetadataTTL: 2 * time.Second, ClientID: clientName, Dial: c.Dial, TLS: encryption, SASL: login}
	addr := kafkago.TCP(strings.Split(c.Brokers, ",")...)
	return &Client{config: c, addr: addr, transport: t,
		client: &kafkago.Client{Addr: addr, Transport: t, Timeout: 30 * time.Second}}, nil
}

func (c *Client) brokers() []string { return strings.Split(c.config.Brokers, ",") }

// Close drops idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Loopback tells whether every broker address is on this machine: only then may the clock be driven.
func (c Config) Loopback() bool {
	for _, b := range strings.Split(c.Brokers, ",") {
		host, _, err := net.SplitHostPort(strings.TrimSpace(b))
		if err != nil {
			return false
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}

// Topic describes one topic that the product needs.
type Topic struct {
	Name       string
	Partitions int
	// AppendTime asks for message.timestamp.type=LogAppendTime.
	AppendTime bool
}

// EnsureTopics creates what is missing, waits until every partition answers, and fails on drift of the
// partition count or of the timestamp type.
func (c *Client) EnsureTopics(ctx context.Context, topics []Topic, replication int) error {
	req := &kafkago.CreateTopicsRequest{}
	for _, t := range topics {
		tc := kafkago.TopicConfig{Topic: t.Name, NumPartitions: t.Partitions, ReplicationFactor: replication,
			ConfigEntries: []kafkago.ConfigEntry{{ConfigName: "cleanup.policy", ConfigValue: "delete"}}}
		if t.AppendTime {
			tc.ConfigEntries = append(tc.ConfigEntries, kafkago.ConfigEntry{ConfigName: "message.timestamp.type", ConfigValue: "LogAppendTime"})
		}
		req.Topics = append(req.Topics, tc)
	}
	if err := c.Check(ctx); err != nil {
		return err
	}
	res, err := c.client.CreateTopics(ctx, req)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for _, t := range topics {
		if err := res.Errors[t.Name]; err != nil && !errors.Is(err, kafkago.TopicAlreadyExists) {
			return c.refused(t, replication, err)
		}
	}
	for _, t := range topics {
		if err := c.waitTopic(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// refused makes a sentence of a broker's no to a new topic.
func (c *Client) refused(t Topic, replication int, err error) error {
	switch {
	case errors.Is(err, kafkago.InvalidReplicationFactor):
		return fmt.Errorf("topic %s cannot have %d replicas, the cluster has fewer brokers: use --replication=1, or start more brokers", t.Name, replication)
	case errors.Is(err, kafkago.InvalidPartitionNumber):
		return fmt.Errorf("topic %s cannot have %d partitions: use --partitions with a number above zero", t.Name, t.Partitions)
	case errors.Is(err, kafkago.TopicAuthorizationFailed), errors.Is(err, kafkago.ClusterAuthorizationFailed):
		return fmt.Errorf("no permission to create topic %s: run it as an account that may: %w", t.Name, err)
	}
	return fmt.Errorf("create topic %s: %w", t.Name, err)
}

// waitTopic asks until every partition of the topic has an answering leader: metadata alone is not enough.
func (c *Client) waitTopic(ctx context.Context, t Topic) error {
	for {
		n, err := c.Partitions(ctx, t.Name)
		if err == nil && n != t.Partitions {
			return fmt.Errorf("topic %s has %d partitions, expected %d: use --partitions=%[2]d; more partitions need a new generation", t.Name, n, t.Partitions)
		}
		if err == nil {
			if _, err = c.Offsets(ctx, t.Name, n); err == nil {
				return c.checkAppendTime(ctx, t)
			}
		}
		if werr := wait(ctx, 50*time.Millisecond); werr != nil {
			return fmt.Errorf("topic %s does not answer: %w", t.Name, errors.Join(err, werr))
		}
	}
}

func (c *Client) checkAppendTime(ctx context.Context, t Topic) error {
	if !t.AppendTime {
		return nil
	}
	res, err := c.client.DescribeConfigs(ctx, &kafkago.DescribeConfigsRequest{Resources: []kafkago.DescribeConfigRequestResource{{
		ResourceType: kafkago.ResourceTypeTopic, ResourceName: t.Name, ConfigNames: []string{"message.timestamp.type"}}}})
	if err != nil {
		return fmt.Errorf("describe topic %s: %w", t.Name, err)
	}
	for _, r := range res.Resources {
		for _, e := range r.ConfigEntries {
			if e.ConfigName == "message.timestamp.type" && e.ConfigValue != "LogAppendTime" {
				return fmt.Errorf("topic %s has message.timestamp.type=%s, expected LogAppendTime: set that with kafka-configs --alter", t.Name, e.ConfigValue)
			}
		}
	}
	return nil
}

// Partitions counts the partitions of a topic.
func (c *Client) Partitions(ctx context.Context, topic string) (int, error) {
	res, err := c.client.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return 0, fmt.Errorf("metadata of %s: %w", topic, err)
	}
	if len(res.Topics) != 1 {
		return 0, fmt.Errorf("metadata of %s: %d topics in the answer", topic, len(res.Topics))
	}
	if err := res.Topics[0].Error; errors.Is(err, kafkago.UnknownTopicOrPartition) {
		return 0, explained{fmt.Sprintf("topic %s is not there: create it with tributary topics create", topic), err}
	} else if err != nil {
		return 0, fmt.Errorf("metadata of %s: %w", topic, err)
	}
	return len(res.Topics[0].Partitions), nil
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// tellEvery is how often Waiting is told what is waited for.
const tellEvery = 10 * time.Second

// WaitPartitions counts the partitions of a topic, and waits until the cluster answers and the topic exists.
func (c *Client) WaitPartitions(ctx context.Context, topic string) (n int, err error) {
	err = c.insist(ctx, func() (bool, error) {
		err := c.Check(ctx) // first: kafka-go says little of who answers
		if err == nil {
			n, err = c.Partitions(ctx, topic)
		}
		return err == nil && n > 0 || errors.Is(err, ErrVersion) || errors.Is(err, ErrSecurity), err
	})
	if err != nil && ctx.Err() != nil {
		return 0, fmt.Errorf("waited for topic %s (create it with: tributary topics create): %w", topic, err)
	}
	return n, err
}

// insist asks until that is done or ctx ends, with growing pauses, and tells now and then what it waits for.
func (c *Client) insist(ctx context.Context, ask func() (done bool, err error)) error {
	backoff := 50 * time.Millisecond
	var told time.Time
	for {
		done, err := ask()
		if done {
			return err
		}
		if err != nil && ctx.Err() == nil && time.Since(told) >= tellEvery {
			told = time.Now()
			c.config.Waiting(err)
		}
		if werr := wait(ctx, backoff); werr != nil {
			return errors.Join(werr, err)
		}
		backoff = min(2*backoff, time.Second)
	}
}

// SamePartitions waits for the topics and checks that they have one partition count, which it returns.
func (c *Client) SamePartitions(ctx context.Context, topics ...string) (int, error) {
	count := 0
	for i, t := range topics {
		n, err := c.WaitPartitions(ctx, t)
		if err != nil {
			return 0, err
		}
		if i > 0 && n != count {
			return 0, fmt.Errorf("topic %s has %d partitions, topic %s has %d, and all need one count: delete the wrong one and create it with tributary topics create", t, n, topics[0], count)
		}
		count = n
	}
	return count, nil
}
