package checkpoint

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gocloud.dev/blob"
	"golang.org/x/sync/errgroup"
)

// version is that of the manifest's format. Fields that a reader may miss do not change it.
const version = 1

// Source is what the state is of: one partition of a stage's input, folded in one epoch.
type Source struct {
	// Stage is the fold's name: lower-case letters, digits and dashes.
	Stage string `json:"stage"`
	// Topic is the input's name, TopicID its id in lower-case hex: a topic that was made anew has another.
	Topic   string `json:"topic"`
	TopicID string `json:"topic_id"`
	// Generation of the input and Epoch of the meanings.
	Generation uint8  `json:"generation"`
	Epoch      uint16 `json:"epoch"`
	// Partition of Partitions.
	Partition  int32 `json:"partition"`
	Partitions int   `json:"partitions"`
	// Rebuilds counts how often the partition was folded again from the log's start by an operator's decision.
	Rebuilds int `json:"rebuilds,omitempty"`
}

// Point is the place in the input's log up to which the state knows it.
type Point struct {
	// Next is the offset to read next.
	Next int64 `json:"next"`
	// LastOffset is that of the last record folded, -1 before the first; LastHash is its fingerprint, and LeaderEpoch that of
	// its batch. They tell another log from this one.
	LastOffset  int64  `json:"last_offset"`
	LastHash    uint64 `json:"last_hash,string"` // a string: such numbers lose digits in many readers
	LeaderEpoch int32  `json:"leader_epoch"`
	// Watermark is how far processing had come, Unix milliseconds.
	Watermark int64 `json:"watermark"`
	// At is when the checkpoint was taken.
	At time.Time `json:"at"`
}

// File is one file of a checkpoint.
type File struct {
	Name   string `json:"name"`
	Object string `json:"object"` // where its bytes lie in the bucket
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Manifest says which objects are the state of a source at a point.
type Manifest struct {
	Version int `json:"version"`
	Source
	Point
	// Lineage is the id of the local store whose checkpoint this is: 32 hex digits.
	Lineage string `json:"lineage"`
	// Files by name.
	Files []File `json:"files"`
}

// Size is the sum of the files' sizes, in bytes.
func (m Manifest) Size() int64 {
	n := int64(0)
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// Name is the manifest's own in the bucket.
func (m Manifest) Name() string {
	return fmt.Sprintf("%s%020d-%s.json", m.manifests(), m.Next, m.Lineage)
}

// prefix is of everything about the source.
func (s Source) prefix() string {
	return fmt.Sprintf("%s/g%d.e%d/%d/", s.Stage, s.Generation, s.Epoch, s.Partition)
}

func (s Source) manifests() string { return s.prefix() + "manifest/" }
func (s Source) objects() string   { return s.prefix() + "object/" }

// object is where a file's bytes lie, without the stamp of the upload that put them.
func (m Manifest) object(f File) string {
	return fmt.Sprintf("%s%s/%s-%d-%s", m.objects(), m.Lineage, f.Name, f.Size, f.SHA256)
}

// sameState tells whether two manifests are of one state. How its files are cut does not matter: the state follows from the log.
func (m Manifest) sameState(o Manifest) bool {
	m.At, o.At = time.Time{}, time.Time{}
	return m.Source == o.Source && m.Point == o.Point && m.Lineage == o.Lineage
}

// newer puts the later of two manifests first: by place in the log, then by time.
func newer(a, b Manifest) int {
	return cmp.Or(cmp.Compare(b.Next, a.Next), b.At.Compare(a.At), cmp.Compare(a.Lineage, b.Lineage))
}

func (s Source) check() error {
	switch {
	case !plain(s.Stage, lower+digits+"-") || s.Stage == "decision":
		return fmt.Errorf("stage %q: lower-case letters, digits and dashes only, and not decision", s.Stage)
	case !plain(s.TopicID, hexDigits), s.Topic == "":
		return fmt.Errorf("topic %q with id %q: a name and lower-case hex are needed", s.Topic, s.TopicID)
	case s.Partition < 0 || int(s.Partition) >= s.Partitions || s.Rebuilds < 0:
		return fmt.Errorf("partition %d of %d", s.Partition, s.Partitions)
	}
	return nil
}

// check tells what is wrong with a manifest. What passes can be restored without looking at its names again.
func (m Manifest) check() error {
	if m.Version != version {
		return fmt.Errorf("format %d, this program reads %d: use the program that wrote it, or a later one", m.Version, version)
	}
	if err := m.Source.check(); err != nil {
		return err
	}
	if m.Next < 0 || m.LastOffset < -1 || m.LastOffset >= max(m.Next, 0) {
		return fmt.Errorf("last offset %d with next offset %d", m.LastOffset, m.Next)
	}
	if len(m.Lineage) != 32 || !plain(m.Lineage, hexDigits) {
		return fmt.Errorf("lineage %q is not of 32 hex digits", m.Lineage)
	}
	total := int64(0)
	for i, f := range m.Files {
		if !fileName(f.Name) || f.Size < 0 || total+f.Size < total || len(f.SHA256) != 64 || !plain(f.SHA256, hexDigits) {
			return fmt.Errorf("file %q of %d bytes with hash %q", f.Name, f.Size, f.SHA256)
		}
		if i > 0 && m.Files[i-1].Name >= f.Name {
			return fmt.Errorf("file %q is listed twice or out of order", f.Name)
		}
		if stamp, ok := strings.CutPrefix(f.Object, m.object(f)+"-"); !ok || len(stamp) != stampDigits || !plain(stamp, hexDigits) {
			return fmt.Errorf("file %q lies in %q, which is not its object's name", f.Name, f.Object)
		}
		total += f.Size
	}
	return nil
}

const (
	lower     = "abcdefghijklmnopqrstuvwxyz"
	digits    = "0123456789"
	hexDigits = digits + "abcdef"
)

// plain tells whether a text is not empty and made of these characters.
func plain(s, of string) bool { return s != "" && strings.Trim(s, of) == "" && onlyOf(s, of) }

func onlyOf(s, of string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune(of, r) }) < 0
}

// fileName tells whether a name stays inside its folder: letters, digits, dots, dashes and underscores, and no dot in front. It is
// short enough that its object's name is one of a file too.
func fileName(s string) bool {
	return len(s) <= 128 && s != "" && s[0] != '.' && onlyOf(s, lower+strings.ToUpper(lower)+digits+"._-")
}

// decode reads the manifest that lies under a name.
func decode(name string, b []byte) (Manifest, error) {
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if m.Version > version { // not damaged
		return Manifest{}, m.check()
	}
	if err := m.check(); err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if d.More() {
		return Manifest{}, fmt.Errorf("%w: something follows the manifest", ErrDamaged)
	}
	if m.Name() != name {
		return Manifest{}, fmt.Errorf("%w: it says that it is %s", ErrDamaged, m.Name())
	}
	return m, nil
}

// manifest reads one.
func (v *Vault) manifest(ctx context.Context, name string) (Manifest, error) {
	b, err := v.get(ctx, name)
	if err != nil {
		return Manifest{}, fmt.Errorf("manifest %s: %w", name, err)
	}
	m, err := decode(name, b)
	if err != nil {
		return Manifest{}, fmt.Errorf("manifest %s: %w", name, err)
	}
	return m, nil
}

// Manifests gives those of a source's stage, generation, epoch and partition, newest first; whether they are of its topic id and
// partition count is for the caller to see. Those that cannot be read are in the error, the others are given all the same.
func (v *Vault) Manifests(ctx context.Context, s Source) ([]Manifest, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	var (
		mu    sync.Mutex
		found []Manifest
		bad   []error
		tasks errgroup.Group
	)
	tasks.SetLimit(2 * parallel)
	for o, err := range v.list(ctx, s.manifests()) {
		if err != nil {
			bad = append(bad, err) // before any task, or after the last one that is started
			break
		}
		tasks.Go(func() error {
			m, err := v.manifest(ctx, o.key)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				found = append(found, m)
			case !errors.Is(err, errAbsent): // absent: collected since we listed it
				bad = append(bad, err)
			}
			return nil
		})
	}
	err := tasks.Wait()
	slices.SortFunc(found, newer)
	return found, errors.Join(append(bad, err)...)
}

// Partitions lists those that have checkpoints under a folder such as visitor/g0.e0, or decisions, in order.
func (v *Vault) Partitions(ctx context.Context, folder string) ([]int32, error) {
	found := map[int32]bool{}
	for _, under := range []string{folder + "/", decisions + folder + "/"} {
		it := v.bucket.List(&blob.ListOptions{Prefix: under, Delimiter: "/"})
		for {
			o, err := it.Next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("list %s: %w", under, err)
			}
			if p, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(o.Key, under), "/"), 10, 32); err == nil && o.IsDir {
				found[int32(p)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}
