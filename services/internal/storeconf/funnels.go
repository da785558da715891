package storeconf

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/schemas/stores"
)

// ErrSameVersion says that a funnel means something else than before under the same version: cells of both would be added up.
var ErrSameVersion = errors.New("a funnel that changes needs a new version")

// mostFunnels of a note: the highest versions, so that it never grows too long.
const mostFunnels = 32

// funnels are what a store's funnels have meant: a short hash by version and name.
type funnels map[string]string

// funnelsOf a store file.
func funnelsOf(f stores.File) (funnels, error) {
	out := funnels{}
	for _, fu := range f.Meaning.Funnels {
		b, err := json.Marshal(fu) // maps in it are sorted by key, and what is not set is left out: a later program may know more fields
		if err != nil {
			return nil, fmt.Errorf("funnel %s: %w", fu.Name, err)
		}
		out[key(fu.Name, fu.Version)] = event.Hash128([]byte("funnel"), b).String()[:8]
	}
	return out, nil
}

// key sorts lower versions first, whatever the funnel.
func key(name string, version uint16) string { return fmt.Sprintf("%05d %s", version, name) }

// conflict names a funnel that another file of the store has defined otherwise under the same version.
func conflict(f stores.File, mine funnels, known [][]Setting) error {
	for _, list := range known {
		for _, s := range list {
			for _, fu := range f.Meaning.Funnels {
				k := key(fu.Name, fu.Version)
				if was, ok := s.Funnels[k]; ok && was != mine[k] {
					return fmt.Errorf("%w: funnel %s is not what version %d was so far: set version: %d", ErrSameVersion, fu.Name, fu.Version, fu.Version+1)
				}
			}
		}
	}
	return nil
}

// remember puts what is known of funnels into the newest setting of a list, and nowhere else.
func remember(list []Setting) []Setting {
	all := funnels{}
	list = slices.Clone(list)
	for i := range list {
		maps.Copy(all, list[i].Funnels)
		list[i].Funnels = nil
	}
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if len(all) <= mostFunnels {
			break
		}
		delete(all, k)
	}
	if len(list) > 0 && len(all) > 0 {
		list[len(list)-1].Funnels = all
	}
	return list
}
