package parts

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/checkpoint"
	"github.com/tributary-data/tributary/pkg/obs"
	"github.com/tributary-data/tributary/pkg/state"
	"github.com/tributary-data/tributary/services/internal/boot"
)

// Config of the keepers of a service.
type Config struct {
	// Checkpoints is the bucket where copies of the state and operators' decisions lie.
	Checkpoints string `env:"CHECKPOINTS" help:"where copies of the state and decisions about it lie: a folder, s3://bucket?region=... or gs://bucket; empty: a folder checkpoints beside the state folder"`
	// CheckpointEvery is the pause between two copies of a partition's state; 0: no copies.
	CheckpointEvery time.Duration `env:"CHECKPOINT_EVERY" envDefault:"1m" help:"pause between two copies of a partition's state; 0s: none, a lost disk is folded again from the log"`
}

// Bucket is the address of the bucket that a setting names; without one it lies beside the state folder.
func Bucket(configured, dir string) (string, error) {
	if configured != "" {
		return configured, nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("folder of checkpoints, set %sCHECKPOINTS: %w", boot.Prefix, err)
	}
	return filepath.Join(filepath.Dir(dir), "checkpoints"), nil
}

// Keepers make the keepers of a service's stages.
type Keepers struct {
	// Dir is the service's state folder.
	Dir      string
	config   Config
	health   *obs.Health
	log      *zap.Logger
	registry *prometheus.Registry
	vault    *checkpoint.Vault
}

// NewKeepers prepares them; Open dials.
func NewKeepers(c Config, dir string, health *obs.Health, log *zap.Logger, r *prometheus.Registry) *Keepers {
	return &Keepers{Dir: dir, config: c, health: health, log: log, registry: r}
}

// Open opens the bucket.
func (k *Keepers) Open(ctx context.Context) error {
	if err := state.Folder(k.Dir); err != nil {
		return err
	}
	address, err := Bucket(k.config.Checkpoints, k.Dir)
	if err != nil {
		return err
	}
	if k.vault, err = checkpoint.Open(ctx, address); err != nil {
		return fmt.Errorf("checkpoints (TRIBUTARY_CHECKPOINTS): %w", err)
	}
	if err := k.vault.Probe(ctx); err != nil { // a bucket that overwrites would let owners disagree
		return fmt.Errorf("checkpoints (TRIBUTARY_CHECKPOINTS): %w", err)
	}
	return nil
}

// Close closes the bucket. No partition may be open.
func (k *Keepers) Close() error { return k.vault.Close() }

// Topics tells the ids of topics (kafka.Client).
type Topics interface {
	TopicID(ctx context.Context, topic string) ([16]byte, error)
}

// Keeper of a stage, whose folder it takes.
func (k *Keepers) Keeper(ctx context.Context, t Topics, s Stage) (*Keeper, error) {
	id, err := t.TopicID(ctx, s.Topic)
	if err != nil {
		return nil, err
	}
	keeper := &Keeper{Stage: s, TopicID: id, Dir: k.Dir, Vault: k.vault, Every: k.config.CheckpointEvery, Health: k.health, Log: k.log,
		Metrics: NewMetrics(k.registry, s.Name)}
	return keeper, keeper.Claim()
}
