// Package parts looks after the partitions of a stage: where their state is and comes from, how they fare, and what operators are
// told of that and decide about it.
package parts

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/checkpoint"
	"github.com/tributary-data/tributary/pkg/obs"
	"github.com/tributary-data/tributary/pkg/state"
	"github.com/tributary-data/tributary/pkg/stream"
)

// Keeper keeps the partitions of one stage. It implements stream.Watcher.
type Keeper struct {
	Stage
	// TopicID is the cluster's id of the topic.
	TopicID [16]byte
	// Dir is the service's state folder, Vault the bucket.
	Dir    string
	Vault  *checkpoint.Vault
	Every  time.Duration
	Health *obs.Health
	Log    *zap.Logger
	// Metrics may be nil.
	Metrics *Metrics

	mu       sync.Mutex
	rebuilds map[int32]int // decided, by partition
	looked   time.Time
}

// stores is the folder of the stage's stores, one per partition.
func (k *Keeper) stores() string { return filepath.Join(k.Dir, filepath.FromSlash(k.Folder())) }

func (k *Keeper) store(p int32) string { return filepath.Join(k.stores(), strconv.Itoa(int(p))) }

// copyOf is the folder of a partition's checkpoint on its way to the bucket; it must be on the disk of the store, for links.
func (k *Keeper) copyOf(p int32) string { return k.store(p) + ".checkpoint" }

// Claim takes the folder for the stage.
func (k *Keeper) Claim() error { return state.Claim(k.stores(), k.Partitions) }

// Stored lists the partitions whose state is here.
func (k *Keeper) Stored() (out []int32) {
	entries, err := os.ReadDir(k.stores())
	if err != nil {
		return nil // the folder is not there yet
	}
	for _, e := range entries {
		if n, err := strconv.ParseInt(e.Name(), 10, 32); err == nil && e.IsDir() {
			out = append(out, int32(n))
		}
	}
	return out
}

// Joined tells which partitions the group gave this instance.
func (k *Keeper) Joined(generation int32, partitions []int32) {
	k.Log.Info("partitions assigned", zap.String("group", k.Group()), zap.Int32("generation", generation), zap.Int32s("partitions", partitions))
}

// part names a partition for people: stage and number.
func (k *Keeper) part(p int32) string { return fmt.Sprintf("%s/%d", k.Name, p) }

// Going tells that the partition folds.
func (k *Keeper) Going(p int32) {
	if k.Health.Mended(k.part(p)) {
		k.Log.Info("partition goes on", zap.String("partition", k.part(p)), zap.String("topic", k.Topic))
	}
}

// Gone tells that the partition is another instance's.
func (k *Keeper) Gone(p int32) { k.Health.Mended(k.part(p)) }

// Stopped tells that the partition does not fold, and what can be done.
func (k *Keeper) Stopped(p int32, why error) {
	h := stream.HaltOf(why)
	if h == nil {
		if k.Health.Degrade(k.part(p), why.Error()) {
			k.Log.Warn("partition failed and is tried again", zap.String("partition", k.part(p)), zap.String("topic", k.Topic), zap.Error(why))
		}
		return
	}
	why = fmt.Errorf("%w; to go on, %s (README, When a partition stops: %s)", h, k.remedy(p, h.Reason), h.Reason)
	if k.Health.Degrade(k.part(p), why.Error()) {
		k.Log.Error("partition stopped", zap.String("partition", k.part(p)), zap.String("topic", k.Topic), zap.String("reason", string(h.Reason)), zap.Error(why))
	}
}

// remedy says how to go on deliberately.
func (k *Keeper) remedy(p int32, r stream.Reason) string {
	of := fmt.Sprintf("--stage %s --partition %d", k.Name, p)
	if k.Epoch > 0 {
		of += fmt.Sprintf(" --epoch %d", k.Epoch)
	}
	switch r {
	case stream.ReasonTrimmed:
		return "run tributary state accept-gap " + of
	case stream.ReasonPoison:
		return "run the service again once what writes them is mended, or with a higher TRIBUTARY_POISON_PER_MINUTE"
	case stream.ReasonCorrupt: // a rebuild would meet the batch again
		return "make a replica whose copy is whole the leader"
	case stream.ReasonTopic, stream.ReasonPartitions: // versions are offsets: after a rebuild those of the old log would win
		switch k.Name {
		case StageVisitor, StageEvents:
			return "run every service with a new TRIBUTARY_GENERATION, if that was meant"
		case StageSessions:
			return fmt.Sprintf("run tributary restate prepare --epoch %d, if that was meant", k.Epoch+1)
		}
	}
	return "run tributary state rebuild " + of
}
