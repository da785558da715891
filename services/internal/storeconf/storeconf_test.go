package storeconf_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
	"github.com/tributary-data/tributary/services/internal/storeconf"
)

// cluster keeps notes and records in memory, and fails after some writes.
type cluster struct {
	notes   map[string]string
	written map[int][]*pb.Record
	left    int // writes until it fails; negative: never
}

func newCluster() *cluster {
	return &cluster{notes: map[string]string{}, written: map[int][]*pb.Record{}, left: -1}
}

func (c *cluster) Partitions() int { return 12 }

func (c *cluster) Notes(_ context.Context, group, topic string, n int) ([]string, error) {
	out := make([]string, n)
	for p := range out {
		out[p] = c.notes[fmt.Sprint(group, topic, p)]
	}
	return out, nil
}

func (c *cluster) Note(_ context.Context, group, topic string, partition int, text string) error {
	c.notes[fmt.Sprint(group, topic, partition)] = text
	return nil
}

func (c *cluster) Write(_ context.Context, byPartition map[int][]kafka.Message) error {
	if c.left == 0 {
		return errors.New("killed")
	}
	c.left--
	for p, ms := range byPartition {
		for _, m := range ms {
			r := &pb.Record{}
			if err := r.UnmarshalVT(m.Value); err != nil {
				return err
			}
			c.written[p] = append(c.written[p], r)
		}
	}
	return nil
}

func (c *cluster) log() storeconf.Log {
	return storeconf.Log{Notes: c, Writer: c, Topic: "events.g0", Stamp: func() (int64, uint32) { return 5, 1 }}
}

// moments lists, per partition, from when each config that it got counts.
func (c *cluster) moments() (out []string) {
	for p := range 12 {
		line := ""
		for _, r := range c.written[p] {
			line += fmt.Sprint(r.GetConfig().EffectiveFrom, " ")
		}
		out = append(out, line)
	}
	return slices.Compact(slices.Sorted(slices.Values(out)))
}

func changed(gap string) []byte {
	return bytes.Replace(stores.Demo(), []byte("session_gap: 30m"), []byte("session_gap: "+gap), 1)
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

const midnight = 1767398400000 // 2026-01-03, the demo's store is in UTC

// Ensure that a store's first file counts at once, the next from its midnight, and the same again not at all.
func TestApply(t *testing.T) {
	c, ctx := newCluster(), context.Background()
	for _, s := range []struct {
		file    []byte
		written int
		from    int64
	}{{stores.Demo(), 12, 0}, {stores.Demo(), 0, 0}, {changed("20m"), 12, midnight}, {changed("20m"), 0, midnight}, {stores.Demo(), 0, 0}} {
		r, err := c.log().Apply(ctx, s.file, noon, nil)
		if err != nil || r.Written != s.written || r.From != s.from || r.Store != "demo" {
			t.Errorf("got %+v, %v, want %d written from %d", r, err, s.written, s.from)
		}
	}
	if got := c.moments(); !slices.Equal(got, []string{fmt.Sprint("0 ", midnight, " ")}) {
		t.Errorf("got %q", got)
	}
	if r := c.written[3][1]; r.Kind != pb.Kind_KIND_CONFIG || r.IngestTs != 5 || r.Flags != 1 || !bytes.Equal(r.GetConfig().File, changed("20m")) {
		t.Errorf("got %v", r)
	}
}

// Ensure that applying that was killed after 7 of 12 partitions, and goes on days later, gives every partition one moment.
func TestApplyResumes(t *testing.T) {
	c, ctx := newCluster(), context.Background()
	if _, err := c.log().Apply(ctx, stores.Demo(), noon, nil); err != nil {
		t.Fatal(err)
	}
	c.left = 7
	if r, err := c.log().Apply(ctx, changed("20m"), noon, nil); err == nil || r.Written != 7 || !strings.Contains(err.Error(), "partition 7 of 12") {
		t.Fatalf("got %+v, %v", r, err)
	}
	if all, err := c.log().Everywhere(ctx, "demo", changed("20m")); all || err != nil {
		t.Errorf("everywhere: %t, %v", all, err)
	}
	c.left = -1
	seen := 0
	if r, err := c.log().Apply(ctx, changed("20m"), noon.AddDate(0, 0, 3), func(int) { seen++ }); err != nil || r.Written != 5 || r.From != midnight || seen != 5 {
		t.Errorf("got %+v, %v", r, err)
	}
	if all, err := c.log().Everywhere(ctx, "demo", changed("20m")); !all || err != nil {
		t.Errorf("everywhere: %t, %v", all, err)
	}
	if got := c.moments(); !slices.Equal(got, []string{fmt.Sprint("0 ", midnight, " ")}) {
		t.Errorf("got %q", got)
	}
}

// Ensure that a file that was replaced is not brought anywhere any more, also not where it never came: it would count there
// and nowhere else.
func TestAReplacedFileStaysReplaced(t *testing.T) {
	c, ctx := newCluster(), context.Background()
	if _, err := c.log().Apply(ctx, stores.Demo(), noon, nil); err != nil {
		t.Fatal(err)
	}
	c.left = 7
	if _, err := c.log().Apply(ctx, changed("20m"), noon, nil); err == nil {
		t.Fatal("it was not interrupted")
	}
	c.left = -1
	if r, err := c.log().Apply(ctx, changed("25m"), noon, nil); err != nil || r.Written != 12 || r.Replaced {
		t.Fatalf("got %+v, %v", r, err)
	}
	for _, old := range [][]byte{stores.Demo(), changed("20m")} {
		if r, err := c.log().Apply(ctx, old, noon, nil); err != nil || r.Written != 0 || !r.Replaced {
			t.Errorf("got %+v, %v", r, err)
		}
	}
	if r, err := c.log().Apply(ctx, changed("25m"), noon, nil); err != nil || r.Replaced {
		t.Errorf("got %+v, %v", r, err)
	}
}

// Ensure that a repeat keeps each setting's moment, and brings nothing new.
func TestRepeat(t *testing.T) {
	c, ctx := newCluster(), context.Background()
	for _, f := range [][]byte{stores.Demo(), changed("20m")} {
		if _, err := c.log().Apply(ctx, f, noon, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range [][]byte{changed("20m"), changed("7m")} {
		if err := c.log().Repeat(ctx, "demo", f); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.moments(); !slices.Equal(got, []string{fmt.Sprint("0 ", midnight, " ", midnight, " ")}) {
		t.Errorf("got %q", got)
	}
}

func TestABadFileWritesNothing(t *testing.T) {
	c := newCluster()
	if _, err := c.log().Apply(context.Background(), []byte("store: x"), noon, nil); err == nil || len(c.written)+len(c.notes) > 0 {
		t.Errorf("got %v", err)
	}
}

// Ensure that a funnel whose meaning changes under its version is refused before anything is written, also long after, and that a
// new version is taken.
func TestAFunnelKeepsItsVersion(t *testing.T) {
	c := newCluster()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	apply := func(file []byte) error {
		_, err := c.log().Apply(t.Context(), file, now, nil)
		return err
	}
	shorter := func(file []byte) []byte {
		return bytes.Replace(file, []byte("        - {action: payment_submitted, optional: true}\n"), nil, 1)
	}
	version := func(file []byte, v string) []byte {
		return bytes.Replace(file, []byte("version: 1"), []byte("version: "+v), 1)
	}
	if err := apply(stores.Demo()); err != nil {
		t.Fatal(err)
	}
	for i := range 20 { // more than a note remembers
		if err := apply(changed(fmt.Sprintf("%dm", 31+i))); err != nil {
			t.Fatal(err)
		}
	}
	before := len(c.written[0])
	err := apply(shorter(changed("29m")))
	if !errors.Is(err, storeconf.ErrSameVersion) || !strings.Contains(err.Error(), "funnel purchase is not what version 1 was so far: set version: 2") {
		t.Errorf("another meaning under the same version: %v", err)
	}
	if len(c.written[0]) != before {
		t.Error("it was written")
	}
	if err := apply(version(shorter(changed("29m")), "2")); err != nil {
		t.Errorf("a new version: %v", err)
	}
	if err := apply(version(changed("28m"), "2")); !errors.Is(err, storeconf.ErrSameVersion) {
		t.Errorf("the old meaning under the new version: %v", err)
	}
	if err := apply(changed("27m")); err != nil {
		t.Errorf("back to version 1 as it was: %v", err)
	}
}

// Ensure that a note keeps the highest versions when there are too many, whichever funnel they are of.
func TestManyVersions(t *testing.T) {
	c := newCluster()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for v := 1; v <= 40; v++ {
		file := bytes.Replace(stores.Demo(), []byte("version: 1"), fmt.Appendf(nil, "version: %d", v), 1)
		if _, err := c.log().Apply(t.Context(), file, now, nil); err != nil {
			t.Fatal(err)
		}
	}
	known, err := c.log().Known(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	last := known[0][len(known[0])-1].Funnels
	if len(last) != 32 || last["00040 purchase"] == "" || last["00009 purchase"] == "" || last["00008 purchase"] != "" {
		t.Errorf("%d versions are known: %v", len(last), last)
	}
}
