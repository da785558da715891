package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/tributary-data/tributary/pkg/checkpoint"
	"github.com/tributary-data/tributary/services/internal/parts"
)

// held is what the bucket holds of one partition.
type held struct {
	Stage     string                `json:"stage"`
	Partition int32                 `json:"partition"`
	Manifests []checkpoint.Manifest `json:"checkpoints"`
	Decisions []parts.Decision      `json:"decisions"`
	// Unreadable says what is wrong with manifests that are not listed.
	Unreadable string `json:"unreadable,omitempty"`
}

// look at one partition.
func look(ctx context.Context, v *checkpoint.Vault, s parts.Stage, p int32) (held, error) {
	h := held{Stage: s.Name, Partition: p}
	var err error
	h.Manifests, err = v.Manifests(ctx, s.Checkpoints(p))
	if err != nil && !errors.Is(err, checkpoint.ErrDamaged) {
		return h, err
	}
	if err != nil {
		h.Unreadable = err.Error()
	}
	h.Decisions, err = s.Decisions(ctx, v, p)
	return h, err
}

// all that the bucket holds of an epoch.
func (b bucket) all(ctx context.Context, v *checkpoint.Vault) (out []held, err error) {
	for _, s := range parts.Stages(b.Generation, b.Epoch) {
		list, err := v.Partitions(ctx, s.Folder())
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			h, err := look(ctx, v, s, p)
			if err != nil {
				return nil, err
			}
			out = append(out, h)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the bucket holds nothing of generation %d, epoch %d: is it that of the services (--checkpoints)?", b.Generation, b.Epoch)
	}
	return out, nil
}

type stateLsCmd struct {
	bucket
	JSON bool `name:"json" help:"Print everything as JSON."`
}

// Run lists.
func (c *stateLsCmd) Run(ctx context.Context) error {
	return c.with(ctx, func(v *checkpoint.Vault) error {
		list, err := c.all(ctx, v)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(os.Stdout).Encode(list)
		}
		t := table.NewWriter()
		t.SetStyle(table.StyleLight)
		t.Style().Options.SeparateColumns = false
		t.AppendHeader(table.Row{"stage", "partition", "checkpoints", "newest at offset", "age", "size", "decisions", ""})
		for _, h := range list {
			row := table.Row{h.Stage, h.Partition, len(h.Manifests), "-", "-", "-", len(h.Decisions), ""}
			if len(h.Manifests) > 0 {
				m := h.Manifests[0]
				row[3], row[4], row[5] = m.Next, time.Since(m.At).Round(time.Second), size(m.Size())
			}
			if h.Unreadable != "" {
				row[7] = "some cannot be read: see tributary state show"
			}
			t.AppendRow(row)
		}
		fmt.Println(t.Render())
		return nil
	})
}

// size in bytes, short.
func size(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10_000_000:
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%d MB", n/1_000_000)
}

type stateShowCmd struct {
	bucket
	onePart
	JSON bool `name:"json" help:"Print everything as JSON."`
}

// Run shows.
func (c *stateShowCmd) Run(ctx context.Context) error {
	s, err := c.stage(c.Stage)
	if err != nil {
		return err
	}
	return c.with(ctx, func(v *checkpoint.Vault) error {
		h, err := look(ctx, v, s, c.Partition)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(os.Stdout).Encode(h)
		}
		fmt.Printf("%s/%d, which folds %s\n", s.Name, c.Partition, s.Topic)
		if len(h.Manifests) == 0 {
			fmt.Println("no checkpoints")
		}
		for _, m := range h.Manifests {
			fmt.Printf("checkpoint %s\n  next offset %d, watermark %s, taken %s\n  topic id %s, %d partitions, rebuilt %d times\n  last record at offset %d with hash %016x, leader epoch %d\n  %d files, %s, of lineage %s\n",
				m.Name(), m.Next, stamp(m.Watermark), m.At.Format(time.RFC3339), m.TopicID, m.Partitions, m.Rebuilds, m.LastOffset, m.LastHash, m.LeaderEpoch, len(m.Files), size(m.Size()), m.Lineage)
		}
		for _, d := range h.Decisions {
			fmt.Printf("decision of %s: %s", d.At.Format(time.RFC3339), d.Kind)
			if d.Kind == parts.KindGap {
				fmt.Printf(", without the records from offset %d to %d", d.From, d.To)
			}
			fmt.Printf(" (%s)\n", reason(d.Reason))
		}
		if h.Unreadable != "" {
			fmt.Println("cannot be read:", h.Unreadable)
		}
		return nil
	})
}

func reason(text string) string {
	if text == "" {
		return "no reason given"
	}
	return text
}

// stamp of Unix milliseconds.
func stamp(ms int64) string {
	if ms <= 0 {
		return "none yet"
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339)
}

type stateVerifyCmd struct {
	bucket
	Stage string `help:"Only this stage."`
	Every bool   `help:"All checkpoints, not the newest of each partition only."`
	JSON  bool   `name:"json" help:"Print the result as JSON."`
}

// verified is the result of a verification.
type verified struct {
	Checkpoints int      `json:"checkpoints"`
	Bytes       int64    `json:"bytes"`
	Damaged     []string `json:"damaged"`
}

// Run verifies.
func (c *stateVerifyCmd) Run(ctx context.Context) error {
	if c.Stage != "" {
		if _, err := c.stage(c.Stage); err != nil {
			return err
		}
	}
	return c.with(ctx, func(v *checkpoint.Vault) error {
		list, err := c.all(ctx, v)
		if err != nil {
			return err
		}
		result := verified{Damaged: []string{}}
		for _, h := range list {
			if c.Stage != "" && h.Stage != c.Stage {
				continue
			}
			if h.Unreadable != "" {
				result.Damaged = append(result.Damaged, h.Unreadable)
			}
			for i, m := range h.Manifests {
				if i > 0 && !c.Every {
					break
				}
				if err := c.one(ctx, v, m, &result); err != nil {
					return err
				}
			}
		}
		return c.report(result)
	})
}

// one verifies a checkpoint, and shows how far it is.
func (c *stateVerifyCmd) one(ctx context.Context, v *checkpoint.Vault, m checkpoint.Manifest, r *verified) error {
	told := time.Now()
	err := v.Verify(ctx, m, func(done, total int64) {
		if time.Since(told) > time.Second/5 {
			told = time.Now()
			fmt.Fprintf(os.Stderr, "\r%s/%d at offset %d: %s of %s   ", m.Stage, m.Partition, m.Next, size(done), size(total))
		}
	})
	fmt.Fprint(os.Stderr, "\r\x1b[K")
	r.Checkpoints++
	r.Bytes += m.Size()
	if errors.Is(err, checkpoint.ErrDamaged) {
		r.Damaged = append(r.Damaged, err.Error())
		return nil
	}
	return err
}

func (c *stateVerifyCmd) report(r verified) error {
	if c.JSON {
		if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
			return err
		}
	} else {
		fmt.Printf("%d checkpoints, %s: %d damaged\n", r.Checkpoints, size(r.Bytes), len(r.Damaged))
		for _, d := range r.Damaged {
			fmt.Println(" ", d)
		}
	}
	if len(r.Damaged) > 0 {
		return exitCode(1)
	}
	return nil
}
