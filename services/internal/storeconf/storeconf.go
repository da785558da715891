// Package storeconf brings store files into the log: the first one of a store at once, every other one from a midnight of
// the store on, to every partition of events, however often it is interrupted.
//
// What each partition has is kept as a note beside its log, written after the config record was acknowledged there.
package storeconf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/kafka"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
)

// Notice is the least time between applying a file and the midnight from which it counts.
const Notice = time.Hour

// remembered settings per partition: the newest ones, so that a note never grows too long.
const remembered = 16

// Setting is one file in force from a moment on.
type Setting struct {
	// ID is the hash of the file.
	ID string `json:"id"`
	// From is when it comes into force, Unix milliseconds; 0 = at once.
	From int64 `json:"from"`
	// Funnels are what the store's funnels have meant up to this setting; only the newest one of a list holds them.
	Funnels funnels `json:"funnels,omitempty"`
}

// Notes are kept by the cluster; *kafka.Client is one.
type Notes interface {
	Notes(ctx context.Context, group, topic string, n int) ([]string, error)
	Note(ctx context.Context, group, topic string, partition int, text string) error
}

// Writer writes records to partitions and waits for their acknowledgement; *kafka.Producer is one.
type Writer interface {
	Write(ctx context.Context, byPartition map[int][]kafka.Message) error
	Partitions() int
}

// Log is where configs go.
type Log struct {
	Notes  Notes
	Writer Writer
	// Topic is the topic events.
	Topic string
	// Stamp is the ingest_ts and the flags of the records: 0 where the writer's clock is none that counts.
	Stamp func() (ingestTS int64, flags uint32)
}

// ID of a store file.
func ID(file []byte) string { return event.Hash128([]byte("config"), file).String() }

func group(store string) string { return "tributary-config." + store }

// Known lists what each partition has of a store's settings, oldest first.
func (l Log) Known(ctx context.Context, store string) ([][]Setting, error) {
	texts, err := l.Notes.Notes(ctx, group(store), l.Topic, l.Writer.Partitions())
	if err != nil {
		return nil, err
	}
	out := make([][]Setting, len(texts))
	for p, text := range texts {
		if text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(text), &out[p]); err != nil {
			return nil, fmt.Errorf("note about store %s, partition %d: %w", store, p, err)
		}
	}
	return out, nil
}

func find(list []Setting, id string) (Setting, bool) {
	for _, s := range list {
		if s.ID == id {
			return s, true
		}
	}
	return Setting{}, false
}

// Result of applying a file.
type Result struct {
	Setting
	Store string
	// Written partitions; the others had it already.
	Written int
	// Replaced tells that some partition has a later file: this one does not count any more, and nothing was written.
	Replaced bool
}

// Plan says what applying a file now would do: the same setting again if some partition has it, else from now on (the
// store's first) or from the store's next midnight with notice.
func (l Log) Plan(ctx context.Context, file []byte, now time.Time) (Setting, [][]Setting, string, error) {
	f, err := stores.Parse(file)
	if err != nil {
		return Setting{}, nil, "", err
	}
	known, err := l.Known(ctx, f.Store)
	if err != nil {
		return Setting{}, nil, "", err
	}
	mine, err := funnelsOf(f)
	if err != nil {
		return Setting{}, nil, "", err
	}
	s, first := Setting{ID: ID(file), Funnels: mine}, true
	for _, list := range known {
		if begun, ok := find(list, s.ID); ok {
			begun.Funnels = mine
			return begun, known, f.Store, nil // interrupted, or done
		}
		first = first && len(list) == 0
	}
	if err := conflict(f, mine, known); err != nil {
		return Setting{}, nil, "", fmt.Errorf("store %s: %w", f.Store, err)
	}
	if !first {
		var line stores.Timeline
		if _, err := line.Add(s.ID, 0, file); err != nil {
			return Setting{}, nil, "", err
		}
		s.From = line.At(0).NextMidnight(now.UnixMilli(), Notice)
	}
	return s, known, f.Store, nil
}

// Apply brings a file to every partition that does not have it. It can be interrupted at any place and called again: the
// setting keeps its moment. progress is told of each partition; it may be nil.
func (l Log) Apply(ctx context.Context, file []byte, now time.Time, progress func(partition int)) (Result, error) {
	s, known, store, err := l.Plan(ctx, file, now)
	if err != nil {
		return Result{}, err
	}
	out := Result{Setting: s, Store: store, Replaced: replaced(known, s.ID)}
	if out.Replaced {
		return out, nil
	}
	for p, list := range known {
		if _, has := find(list, s.ID); has {
			continue
		}
		if err := l.write(ctx, store, s, file, p); err != nil {
			return out, fmt.Errorf("partition %d of %d: %w", p, len(known), err)
		}
		if err := l.note(ctx, store, p, append(list, s)); err != nil {
			return out, err
		}
		out.Written++
		if progress != nil {
			progress(p)
		}
	}
	return out, nil
}

// replaced tells whether some partition has the file and a later one. To bring it to the others then would let the
// partitions differ in which one counts.
func replaced(known [][]Setting, id string) bool {
	return slices.ContainsFunc(known, func(list []Setting) bool {
		_, has := find(list, id)
		return has && list[len(list)-1].ID != id
	})
}

// Repeat writes a setting again to every partition, and its notes, so that neither retention forgets it.
func (l Log) Repeat(ctx context.Context, store string, file []byte) error {
	known, err := l.Known(ctx, store)
	if err != nil {
		return err
	}
	id := ID(file)
	for p, list := range known {
		s, has := find(list, id)
		if !has {
			continue // it was not applied here: Apply's business
		}
		if err := errors.Join(l.write(ctx, store, s, file, p), l.note(ctx, store, p, list)); err != nil {
			return fmt.Errorf("repeat the config of store %s, partition %d: %w", store, p, err)
		}
	}
	return nil
}

// Everywhere tells whether every partition has the file.
func (l Log) Everywhere(ctx context.Context, store string, file []byte) (bool, error) {
	known, err := l.Known(ctx, store)
	if err != nil {
		return false, err
	}
	id := ID(file)
	for _, list := range known {
		if _, has := find(list, id); !has {
			return false, nil
		}
	}
	return true, nil
}

func (l Log) write(ctx context.Context, store string, s Setting, file []byte, partition int) error {
	ts, flags := l.Stamp()
	rec := &pb.Record{Kind: pb.Kind_KIND_CONFIG, Store: store, IngestTs: ts, Flags: flags,
		Body: &pb.Record_Config{Config: &pb.Config{ConfigId: s.ID, EffectiveFrom: s.From, File: file}}}
	value, err := rec.MarshalVT()
	if err != nil {
		return fmt.Errorf("encode config: %w", err)
	}
	return l.Writer.Write(ctx, map[int][]kafka.Message{partition: {{Value: value}}})
}

func (l Log) note(ctx context.Context, store string, partition int, list []Setting) error {
	list = remember(list)
	text, err := json.Marshal(list[max(0, len(list)-remembered):])
	if err != nil {
		return fmt.Errorf("encode note: %w", err)
	}
	return l.Notes.Note(ctx, group(store), l.Topic, partition, string(text))
}
