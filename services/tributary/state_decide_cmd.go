package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/tributary-data/tributary/pkg/checkpoint"
	"github.com/tributary-data/tributary/services/internal/parts"
)

// deciding is what a decision needs beside its partition.
type deciding struct {
	Brokers string `help:"Broker addresses, host:port, comma separated." env:"TRIBUTARY_KAFKA_BROKERS" default:"127.0.0.1:9092"`
	Reason  string `help:"Why, for those who read the decision later."`
	Yes     bool   `help:"Do not ask."`
	JSON    bool   `name:"json" help:"Print the decision as JSON."`
}

// errNotConfirmed is a decision that nobody confirmed.
var errNotConfirmed = errors.New("nothing was decided: answer yes, or use --yes")

// confirm asks the person at the terminal.
func (d deciding) confirm(question string) error {
	if d.Yes {
		return nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return fmt.Errorf("%s %w", question, errNotConfirmed)
	}
	fmt.Fprintf(os.Stderr, "%s [yes/no] ", question)
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "yes" && a != "y" {
		return errNotConfirmed
	}
	return nil
}

// decision about a topic, as of now.
func (d deciding) decision(topic [16]byte) parts.Decision {
	return parts.Decision{TopicID: hex.EncodeToString(topic[:]), Reason: d.Reason, At: time.Now().UTC()}
}

type stateRebuildCmd struct {
	bucket
	onePart
	deciding
}

// Run decides.
func (c *stateRebuildCmd) Run(ctx context.Context) error {
	s, err := c.stage(c.Stage)
	if err != nil {
		return err
	}
	return c.about(ctx, c.bucket, s, c.Partition, func(l *partLog) error {
		if l.first > 0 {
			fmt.Fprintf(os.Stderr, "note: the log of %s/%d begins at offset %d, not at 0: the rebuild will stop there until tributary state accept-gap, and what those records made stays as it is\n", s.Topic, c.Partition, l.first)
		}
		if err := c.confirm(fmt.Sprintf("Forget the state of %s/%d and fold %d records again?", s.Name, c.Partition, l.last-l.first)); err != nil {
			return err
		}
		d := c.decision(l.topic)
		n, err := s.Rebuild(ctx, l.vault, c.Partition, d)
		if err != nil {
			return err
		}
		return c.tell(d, fmt.Sprintf("decided: rebuild %d of %s/%d; its owner begins within %s", n, s.Name, c.Partition, 20*time.Second))
	})
}

type stateAcceptGapCmd struct {
	bucket
	onePart
	deciding
}

// Run decides.
func (c *stateAcceptGapCmd) Run(ctx context.Context) error {
	s, err := c.stage(c.Stage)
	if err != nil {
		return err
	}
	return c.about(ctx, c.bucket, s, c.Partition, func(l *partLog) error {
		from := max(l.next, 0)
		if from >= l.first {
			return fmt.Errorf("partition %d of %s lacks nothing: its stage is at offset %d, and the log holds %d to %d; use it where a service says that records are gone", c.Partition, s.Topic, from, l.first, l.last)
		}
		if err := c.confirm(fmt.Sprintf("Go on with %s/%d without the %d records from offset %d to %d?", s.Name, c.Partition, l.first-from, from, l.first)); err != nil {
			return err
		}
		d := c.decision(l.topic)
		d.From, d.To = from, l.first
		if err := s.AcceptGap(ctx, l.vault, c.Partition, d); err != nil {
			return err
		}
		return c.tell(d, fmt.Sprintf("decided: %s/%d goes on at offset %d; its owner does so within seconds", s.Name, c.Partition, l.first))
	})
}

func (d deciding) tell(of parts.Decision, text string) error {
	if d.JSON {
		return json.NewEncoder(os.Stdout).Encode(of)
	}
	fmt.Println(text)
	return nil
}

// partLog is what a decision is about: a partition's log, and where its stage stands in it.
type partLog struct {
	vault *checkpoint.Vault
	topic [16]byte
	// first and last bound the log: [first, last). next is where the stage is; −1 if it has not said so.
	first, last, next int64
}

// about calls f with what is known of the partition.
func (d deciding) about(ctx context.Context, b bucket, s parts.Stage, partition int32, f func(*partLog) error) error {
	client, err := kafkaClient(d.Brokers)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Check(ctx); err != nil {
		return err
	}
	l := &partLog{}
	if l.topic, err = client.TopicID(ctx, s.Topic); err != nil {
		return err
	}
	n, err := client.Partitions(ctx, s.Topic)
	if err != nil {
		return err
	}
	if partition < 0 || int(partition) >= n {
		return fmt.Errorf("topic %s has no partition %d: use 0 to %d%w", s.Topic, partition, n-1, errCall)
	}
	have, err := client.Range(ctx, s.Topic, partition)
	if err != nil {
		return err
	}
	said, err := client.Progress(ctx, s.Group(), s.Topic, n)
	if err != nil {
		return err
	}
	l.first, l.last, l.next = have.First, have.Last, said[partition].Next
	return b.with(ctx, func(v *checkpoint.Vault) error {
		l.vault = v
		return f(l)
	})
}
