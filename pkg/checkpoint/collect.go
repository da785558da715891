package checkpoint

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Collected is what a collection deleted and left.
type Collected struct {
	// Manifests and Objects deleted, and the Bytes of the objects.
	Manifests, Objects int
	Bytes              int64
	// Kept manifests.
	Kept int
}

// Collect deletes a source's old checkpoints: manifests first, then objects that no manifest names any more.
//
// It keeps the newest manifests of each topic id, every one that is younger than older (by the later of its own time and the bucket's)
// and every one that was among the newest until less than older ago, since it may be in the middle of a restore. Objects younger than
// older stay too: their manifest may be on its way. older is at least MinAge, keep at least 1. Two collections at once are safe. If
// one manifest cannot be read, no object is deleted.
func (v *Vault) Collect(ctx context.Context, s Source, keep int, older time.Duration, now time.Time) (Collected, error) {
	c, err := v.collect(ctx, s, keep, older, now.Add(-older))
	if err != nil {
		return c, fmt.Errorf("collect %s: %w", s.prefix(), err)
	}
	return c, nil
}

func (v *Vault) collect(ctx context.Context, s Source, keep int, older time.Duration, before time.Time) (c Collected, err error) {
	if keep < 1 || older < MinAge {
		return c, fmt.Errorf("keep at least 1 manifest (not %d), and what is younger than %v (not %v)", keep, MinAge, older)
	}
	// The objects are listed before the manifests: one whose manifest comes later is not among them, or young.
	var objects []object
	for o, err := range v.list(ctx, s.objects()) {
		if err != nil {
			return c, err
		}
		if o.mod.Before(before) {
			objects = append(objects, o)
		}
	}
	written := map[string]time.Time{}
	for o, err := range v.list(ctx, s.manifests()) {
		if err != nil {
			return c, err
		}
		written[o.key] = o.mod
	}
	all, err := v.Manifests(ctx, s)
	if err != nil {
		return c, fmt.Errorf("nothing is deleted while a manifest cannot be read; if it is not needed, delete it by hand: %w", err)
	}
	old := func(m Manifest) bool {
		mod, listed := written[m.Name()]
		return listed && m.At.Before(before) && mod.Before(before)
	}
	named := map[string]bool{}
	for _, m := range all {
		if replaced(m, all, keep, old) {
			if err := v.remove(ctx, m.Name()); err != nil {
				return c, err
			}
			c.Manifests++
			continue
		}
		c.Kept++
		for _, f := range m.Files {
			named[f.Object] = true
		}
	}
	for _, o := range objects {
		if named[o.key] {
			continue
		}
		if err := v.remove(ctx, o.key); err != nil {
			return c, err
		}
		c.Objects++
		c.Bytes += o.size
	}
	if v.folder != "" {
		err = v.folder.sweep(before)
	}
	return c, err
}

// replaced tells whether a manifest is old, and so are keep newer ones of its topic.
func replaced(m Manifest, newestFirst []Manifest, keep int, old func(Manifest) bool) bool {
	if !old(m) {
		return false
	}
	newer := 0
	for _, n := range newestFirst[:slices.IndexFunc(newestFirst, func(n Manifest) bool { return n.Name() == m.Name() })] {
		if n.TopicID == m.TopicID && old(n) {
			newer++
		}
	}
	return newer >= keep
}
