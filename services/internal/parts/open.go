package parts

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/checkpoint"
	"github.com/tributary-data/tributary/pkg/state"
	"github.com/tributary-data/tributary/pkg/stream"
)

// rebuiltFile of a store's folder says how often its partition had been rebuilt when it was made.
const rebuiltFile = "rebuilt"

// Opened is a partition's state, ready to be folded on.
type Opened struct {
	*state.Store
	// Gap to begin with; nil: none.
	Gap *stream.Gap

	keeper    *Keeper
	partition int32
	rebuilds  int
	copies    *copies
}

// Open opens a partition's store: what is on the disk, or what a checkpoint holds if that is further, or an empty one, which
// folds the log from its start. What an operator decided comes first.
func (k *Keeper) Open(ctx context.Context, p int32) (*Opened, error) {
	rebuilds, err := k.rebuildsOf(ctx, p, true)
	if err != nil {
		return nil, stream.Transient(err)
	}
	dir := k.store(p)
	if err := k.discard(dir, rebuilds); err != nil {
		return nil, err
	}
	if left := k.copyOf(p); exists(left) { // of a life before
		if err := os.RemoveAll(left); err != nil {
			return nil, fmt.Errorf("remove %s: %w", left, err)
		}
	}
	st, err := k.restored(ctx, p, dir, rebuilds)
	if err != nil {
		return nil, err
	}
	o := &Opened{Store: st, keeper: k, partition: p, rebuilds: rebuilds}
	if err := o.note(dir); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	if o.Gap, err = k.gap(ctx, p, st.Position().Next); err != nil {
		return nil, errors.Join(stream.Transient(err), st.Close())
	}
	o.copies = newCopies(o)
	return o, nil
}

// note writes down which rebuild the store is of.
func (o *Opened) note(dir string) error {
	if o.rebuilds == 0 {
		return nil
	}
	if err := os.WriteFile(filepath.Join(dir, rebuiltFile), []byte(strconv.Itoa(o.rebuilds)), 0o644); err != nil {
		return fmt.Errorf("note the rebuild in %s: %w", dir, err)
	}
	return nil
}

// rebuilt is how often the partition had been rebuilt when the store in dir was made.
func rebuilt(dir string) int {
	b, err := os.ReadFile(filepath.Join(dir, rebuiltFile))
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return n
}

// discard removes a store that was to be rebuilt since it was made.
func (k *Keeper) discard(dir string, rebuilds int) error {
	if !exists(dir) || rebuilt(dir) >= rebuilds {
		return nil
	}
	st, err := state.Open(dir, state.Options{Log: k.Log}) // nobody else may have it open
	if err == nil {
		err = st.Close()
	}
	if err != nil {
		return err
	}
	k.Log.Info("state is made anew from the log's start, as decided", zap.String("stage", k.Name), zap.String("state", dir))
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove state in %s: %w", dir, err)
	}
	return nil
}

func exists(dir string) bool {
	_, err := os.Stat(dir)
	return !errors.Is(err, fs.ErrNotExist)
}

// source is what a checkpoint of the partition is of.
func (k *Keeper) source(p int32, rebuilds int) checkpoint.Source {
	return checkpoint.Source{Stage: k.Name, Topic: k.Topic, TopicID: hex.EncodeToString(k.TopicID[:]), Generation: k.Generation, Epoch: k.Epoch,
		Partition: p, Partitions: k.Partitions, Rebuilds: rebuilds}
}

// restored opens the store in dir, after putting the newest checkpoint there if that is further.
func (k *Keeper) restored(ctx context.Context, p int32, dir string, rebuilds int) (st *state.Store, err error) {
	have := int64(-1)
	if exists(dir) {
		if st, err = state.Open(dir, state.Options{Log: k.Log}); err != nil {
			return nil, err
		}
		have = st.Position().Next
	}
	better, err := k.better(ctx, k.source(p, rebuilds), have)
	if err == nil && len(better) > 0 {
		if st != nil {
			err = st.Close()
			st = nil
		}
		if err == nil {
			err = k.fetchAny(ctx, better, dir)
		}
	}
	if err != nil {
		if st != nil {
			err = errors.Join(err, st.Close())
		}
		return nil, err
	}
	if st != nil {
		return st, nil
	}
	return state.Open(dir, state.Options{Log: k.Log})
}

// better lists the checkpoints that are further than the store on the disk, newest first. A store on the disk needs none: it will
// be compared with the log itself. Without one, a bucket with checkpoints that do not fit is a halt: to start empty beside them
// would be to forget.
func (k *Keeper) better(ctx context.Context, src checkpoint.Source, have int64) ([]checkpoint.Manifest, error) {
	all, err := k.Vault.Manifests(ctx, src)
	if err != nil && !errors.Is(err, checkpoint.ErrDamaged) {
		return nil, stream.Transient(err)
	}
	if err != nil {
		k.Log.Warn("a manifest cannot be read", zap.String("partition", k.part(src.Partition)), zap.Error(err))
	}
	var out []checkpoint.Manifest
	for _, m := range all {
		if m.Rebuilds != src.Rebuilds {
			continue // of before the partition was rebuilt
		}
		if ferr := k.fits(m, src); ferr != nil {
			if have < 0 {
				return nil, ferr
			}
			continue
		}
		if m.Next > have {
			out = append(out, m)
		}
	}
	if err != nil && len(out) == 0 && have < 0 {
		return nil, stream.Haltf(stream.ReasonManifest, "no checkpoint of %s can be used: %v", k.part(src.Partition), err)
	}
	return out, nil
}

// fetchAny restores the first of the checkpoints that is whole.
func (k *Keeper) fetchAny(ctx context.Context, list []checkpoint.Manifest, dir string) (err error) {
	for _, m := range list {
		if err = k.fetch(ctx, m, dir); !errors.Is(err, checkpoint.ErrDamaged) {
			return err
		}
		k.Log.Warn("a checkpoint cannot be used, an earlier one is tried", zap.String("partition", k.part(m.Partition)), zap.Int64("next", m.Next), zap.Error(err))
	}
	if exists(dir) {
		return nil
	}
	return stream.Haltf(stream.ReasonManifest, "no checkpoint of %s can be used, the oldest because of: %v", k.part(list[0].Partition), err)
}

// fits tells whether a checkpoint is of this log.
func (k *Keeper) fits(m checkpoint.Manifest, s checkpoint.Source) error {
	switch {
	case m.TopicID != s.TopicID:
		return stream.Haltf(stream.ReasonTopic, "topic %s was deleted and made again: it has the id %s, the checkpoint at offset %d is of %s", s.Topic, s.TopicID, m.Next, m.TopicID)
	case m.Partitions != s.Partitions:
		return stream.Haltf(stream.ReasonPartitions, "topic %s has %d partitions, the checkpoint at offset %d is of %d", s.Topic, s.Partitions, m.Next, m.Partitions)
	}
	return nil
}

// tellAfter is how long a restore may take in silence.
const tellAfter = 2 * time.Second

// fetch restores a checkpoint in place of what lies in dir.
func (k *Keeper) fetch(ctx context.Context, m checkpoint.Manifest, dir string) error {
	began, told := time.Now(), time.Now()
	fresh := dir + ".fetched"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("remove %s: %w", fresh, err)
	}
	err := k.Vault.Restore(ctx, m, fresh, func(done, total int64) {
		if time.Since(told) >= tellAfter {
			told = time.Now()
			k.Log.Info("restoring", zap.String("partition", k.part(m.Partition)), zap.Int64("bytes", done), zap.Int64("of", total))
		}
	})
	if err != nil {
		if !errors.Is(err, checkpoint.ErrDamaged) {
			err = stream.Transient(err)
		}
		return err
	}
	if err := os.WriteFile(filepath.Join(fresh, rebuiltFile), []byte(strconv.Itoa(m.Rebuilds)), 0o644); err != nil {
		return fmt.Errorf("note the rebuild in %s: %w", fresh, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove older state in %s: %w", dir, err)
	}
	if err := os.Rename(fresh, dir); err != nil {
		return fmt.Errorf("put restored state in place: %w", err)
	}
	k.Log.Info("restored from a checkpoint", zap.String("partition", k.part(m.Partition)), zap.Int64("next", m.Next), zap.Int64("bytes", m.Size()), zap.Duration("took", time.Since(began)))
	return nil
}
