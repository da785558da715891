package parts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tributary-data/tributary/pkg/checkpoint"
)

// Plan of an epoch: what is different in it from the log that it folds. It is decided once, before the epoch begins.
type Plan struct {
	Stores []Restated `json:"stores,omitempty"`
	Reason string     `json:"reason,omitempty"`
	At     time.Time  `json:"at"`
}

// Restated is a store whose settings are others in an epoch, from the log's start on.
type Restated struct {
	Store string `json:"store"`
	// File is the whole store file that counts.
	File string `json:"file"`
	// Replaces are the ids of the settings in the log in whose stead it counts. One that comes later counts as ever.
	Replaces []string `json:"replaces"`
}

func planName(epoch uint16) string { return fmt.Sprintf("epoch/%d/plan", epoch) }

// DecidePlan writes an epoch's plan, once.
func DecidePlan(ctx context.Context, v *checkpoint.Vault, epoch uint16, p Plan) error {
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return v.Decide(ctx, planName(epoch), b)
}

// ReadPlan reads an epoch's plan. One that nobody decided changes nothing.
func ReadPlan(ctx context.Context, v *checkpoint.Vault, epoch uint16) (p Plan, err error) {
	b, err := v.Decision(ctx, planName(epoch))
	if errors.Is(err, checkpoint.ErrNoDecision) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(b, &p); err != nil {
		return p, fmt.Errorf("plan of epoch %d cannot be read: %w", epoch, err)
	}
	return p, nil
}

// Plan of an epoch of this service.
func (k *Keepers) Plan(ctx context.Context, epoch uint16) (Plan, error) {
	return ReadPlan(ctx, k.vault, epoch)
}
