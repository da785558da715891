package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/tributary-data/tributary/pkg/checkpoint"
	"github.com/tributary-data/tributary/services/internal/boot"
	"github.com/tributary-data/tributary/services/internal/parts"
)

// stateCmd groups what is done with the stages' state.
type stateCmd struct {
	Ls        stateLsCmd        `cmd:"" help:"List the checkpoints of every partition, and the decisions about it."`
	Show      stateShowCmd      `cmd:"" help:"Show the checkpoints of one partition, and the decisions about it, in full."`
	Verify    stateVerifyCmd    `cmd:"" help:"Read checkpoints and compare every byte with what their manifests say."`
	Rebuild   stateRebuildCmd   `cmd:"" help:"Decide that a partition forgets its state and is folded again from the log's start. Its rows stay and are written again with the same versions."`
	AcceptGap stateAcceptGapCmd `cmd:"" help:"Decide that a stopped partition goes on without the records that its log no longer holds. Windows that they may have belonged to are marked incomplete. It cannot be undone."`
}

// bucket is where checkpoints and decisions lie.
type bucket struct {
	Checkpoints string `help:"Bucket of the checkpoints: a folder, s3://bucket?region=... or gs://bucket. Empty: the services' default folder." env:"TRIBUTARY_CHECKPOINTS"`
	Generation  uint8  `help:"Generation of the topic events." env:"TRIBUTARY_GENERATION" default:"0"`
	Epoch       uint16 `help:"Epoch of what is derived from it." env:"TRIBUTARY_EPOCH" default:"0"`
}

// with calls f with the bucket.
func (b bucket) with(ctx context.Context, f func(*checkpoint.Vault) error) error {
	dir, err := boot.StateDir("", "sessionizer") // the default bucket lies beside the default state
	if err != nil {
		return err
	}
	address, err := parts.Bucket(b.Checkpoints, dir)
	if err != nil {
		return err
	}
	if !strings.Contains(address, "://") {
		if _, err := os.Stat(address); errors.Is(err, os.ErrNotExist) { // opening would make it
			return fmt.Errorf("no checkpoints in %s: use --checkpoints or TRIBUTARY_CHECKPOINTS to name the bucket of the services", address)
		}
	}
	v, err := checkpoint.Open(ctx, address)
	if err != nil {
		return err
	}
	defer v.Close()
	return f(v)
}

// stage of a name.
func (b bucket) stage(name string) (parts.Stage, error) {
	all := parts.Stages(b.Generation, b.Epoch)
	i := slices.IndexFunc(all, func(s parts.Stage) bool { return s.Name == name })
	if i < 0 {
		return parts.Stage{}, fmt.Errorf("no stage is named %s: use visitor, events, sessions or dead-letters%w", name, errCall)
	}
	return all[i], nil
}

// onePart names one partition of one stage.
type onePart struct {
	Stage     string `required:"" help:"Stage: visitor, events, sessions or dead-letters."`
	Partition int32  `required:"" help:"Number of the partition."`
}
