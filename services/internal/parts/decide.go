package parts

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tributary-data/tributary/pkg/checkpoint"
	"github.com/tributary-data/tributary/pkg/stream"
)

// Decision is what an operator decided about a partition's state. It is written once and never taken back: every owner of the
// partition, now and later, reads it and does the same.
type Decision struct {
	// Kind is gap or rebuild.
	Kind string `json:"kind"`
	// TopicID of the log that it is about, in hex.
	TopicID string `json:"topic_id"`
	// From and To bound the missing records [From, To) of a gap.
	From int64 `json:"from,omitempty"`
	To   int64 `json:"to,omitempty"`
	// Reason is the operator's, and At when it was decided.
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// Kinds of decisions.
const (
	KindGap     = "gap"
	KindRebuild = "rebuild"
)

func (s Stage) decisions(p int32) string { return fmt.Sprintf("%s/%d/", s.Folder(), p) }

func (s Stage) gapName(p int32, from int64) string {
	return fmt.Sprintf("%sgap-%020d", s.decisions(p), from)
}

func (s Stage) rebuildName(p int32, n int) string {
	return fmt.Sprintf("%srebuild-%04d", s.decisions(p), n)
}

// AcceptGap decides that a partition goes on at an offset without the records before it that it lacks.
func (s Stage) AcceptGap(ctx context.Context, v *checkpoint.Vault, p int32, d Decision) error {
	d.Kind = KindGap
	if d.From < 0 || d.To <= d.From {
		return fmt.Errorf("a gap from offset %d to %d holds nothing", d.From, d.To)
	}
	return decide(ctx, v, s.gapName(p, d.From), d)
}

// Rebuild decides that a partition is folded again from the log's start. It returns how often that was decided now.
func (s Stage) Rebuild(ctx context.Context, v *checkpoint.Vault, p int32, d Decision) (n int, err error) {
	d.Kind = KindRebuild
	all, err := s.rebuilds(ctx, v)
	if err != nil {
		return 0, err
	}
	n = all[p] + 1
	return n, decide(ctx, v, s.rebuildName(p, n), d)
}

func decide(ctx context.Context, v *checkpoint.Vault, name string, d Decision) error {
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return v.Decide(ctx, name, b)
}

// Decisions about a partition, in the order of their names.
func (s Stage) Decisions(ctx context.Context, v *checkpoint.Vault, p int32) (out []Decision, err error) {
	names, err := v.Decisions(ctx, s.decisions(p))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		d, err := read(ctx, v, name)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func read(ctx context.Context, v *checkpoint.Vault, name string) (d Decision, err error) {
	b, err := v.Decision(ctx, name)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(b, &d); err != nil {
		return d, fmt.Errorf("decision %s cannot be read: %w", name, err)
	}
	return d, nil
}

// rebuilds counts the decisions to rebuild, by partition.
func (s Stage) rebuilds(ctx context.Context, v *checkpoint.Vault) (map[int32]int, error) {
	names, err := v.Decisions(ctx, s.Folder()+"/")
	if err != nil {
		return nil, err
	}
	out := map[int32]int{}
	for _, name := range names {
		part, what, _ := strings.Cut(strings.TrimPrefix(name, s.Folder()+"/"), "/")
		p, perr := strconv.ParseInt(part, 10, 32)
		n, nerr := strconv.Atoi(strings.TrimPrefix(what, KindRebuild+"-"))
		if perr == nil && nerr == nil && strings.HasPrefix(what, KindRebuild+"-") {
			out[int32(p)] = max(out[int32(p)], n)
		}
	}
	return out, nil
}

// lookEvery is how often a stage asks for decisions about partitions that fold.
const lookEvery = 15 * time.Second

// rebuildsOf is how often a partition is to be rebuilt, as of a look at most lookEvery ago, or now.
func (k *Keeper) rebuildsOf(ctx context.Context, p int32, now bool) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now || time.Since(k.looked) >= lookEvery {
		all, err := k.Stage.rebuilds(ctx, k.Vault)
		if err != nil {
			return 0, fmt.Errorf("look for decisions: %w", err)
		}
		k.rebuilds, k.looked = all, time.Now()
	}
	return k.rebuilds[p], nil
}

// gap is what was decided about the offset that a state needs next; nil: nothing.
func (k *Keeper) gap(ctx context.Context, p int32, next int64) (*stream.Gap, error) {
	d, err := read(ctx, k.Vault, k.gapName(p, next))
	switch {
	case errors.Is(err, checkpoint.ErrNoDecision):
		return nil, nil
	case err != nil:
		return nil, err
	case d.TopicID != hex.EncodeToString(k.TopicID[:]) || d.From != next || d.To <= next:
		return nil, nil // about another log
	}
	return &stream.Gap{From: d.From, To: d.To}, nil
}
