package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/tributary-data/tributary/pkg/collect"
	"github.com/tributary-data/tributary/pkg/enrich"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/schemas/stores"
)

// loaded is what the store files give: who may send, and the files that every partition must know.
type loaded struct {
	stores collect.Stores
	files  []storeFile
}

// storeFile is one store's file, with its first write key; open is set once every partition knows it.
type storeFile struct {
	name, path, key, currency string
	file                      []byte
	open                      *atomic.Bool
}

// loadStores reads files and folders; none means the demo's store.
func loadStores(paths []string) (loaded, error) {
	out := loaded{stores: collect.Stores{}}
	if len(paths) == 0 {
		return out, out.add("the demo's store", stores.Demo())
	}
	files, err := storeFiles(paths)
	if err != nil {
		return out, err
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return out, fmt.Errorf("cannot read store file: set its permission, or TRIBUTARY_STORES: %w", err)
		}
		if err := out.add(f, b); err != nil {
			return out, err
		}
	}
	return out, nil
}

func storeFiles(paths []string) ([]string, error) {
	var out []string
	for _, p := range paths {
		info, err := os.Stat(p)
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("cannot read store file: set its permission, or TRIBUTARY_STORES: %w", err)
		}
		if err != nil {
			return nil, fmt.Errorf("store file %s is not there: set TRIBUTARY_STORES to files or folders", p)
		}
		if !info.IsDir() {
			out = append(out, p)
			continue
		}
		found, err := filepath.Glob(filepath.Join(p, "*.yaml"))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("folder %s holds no store file (*.yaml): put one there, or set TRIBUTARY_STORES", p)
		}
		out = append(out, found...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func (l *loaded) add(name string, file []byte) error {
	f, err := stores.Parse(file)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	en, err := enrich.New(schemas.Channels, enrich.StoreRules{OwnDomains: f.Edge.OwnDomains, PaymentDomains: f.Edge.PaymentDomains,
		BrandPattern: f.Meaning.BrandPattern})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, other := range l.files {
		if other.name == f.Store {
			return fmt.Errorf("%s: store %s is defined by %s too: use another name, or remove one of the files", name, f.Store, other.path)
		}
	}
	open := &atomic.Bool{}
	internal := make([]netip.Prefix, len(f.Edge.Internal))
	for i, n := range f.Edge.Internal {
		if internal[i], err = netip.ParsePrefix(n); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, key := range f.Edge.WriteKeys {
		if other := l.stores[key]; other != nil {
			return fmt.Errorf("%s: a write key belongs to store %s already: use each for one store", name, other.Name)
		}
		l.stores[key] = &collect.Store{Name: f.Store, Currency: f.Meaning.Currency, Enricher: en, Open: open,
			Internal: internal, Origins: f.Edge.Origins}
	}
	l.files = append(l.files, storeFile{name: f.Store, path: name, key: f.Edge.WriteKeys[0], currency: f.Meaning.Currency, file: file, open: open})
	return nil
}
