package cloud_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/tributary-data/tributary/pkg/checkpoint"
	_ "github.com/tributary-data/tributary/pkg/checkpoint/cloud"
)

var (
	source = checkpoint.Source{Stage: "visitor", Topic: "events.g0", TopicID: strings.Repeat("7", 32), Partition: 3, Partitions: 12}
	point  = checkpoint.Point{Next: 9, LastOffset: 8, LastHash: 1 << 63, At: time.Now()}
)

// s3 is the address of a bucket in an S3 of our own.
func s3(t *testing.T, wrap func(http.Handler) http.Handler) string {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("checkpoints"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(wrap(gofakes3.New(backend).Server()))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return "s3://checkpoints?region=eu-central-1&use_path_style=true&endpoint=" + server.URL
}

func TestS3(t *testing.T) {
	address := s3(t, func(h http.Handler) http.Handler { return h })
	checkBucket(t, address)
	checkBucket(t, address+"&prefix=shared/with/others/")
	missing := strings.Replace(address, "checkpoints", "none", 1)
	if _, err := checkpoint.Open(t.Context(), missing); err == nil || !strings.Contains(err.Error(), "check that the bucket exists, its region") {
		t.Errorf("no bucket: %v", err)
	}
	if _, err := checkpoint.Open(t.Context(), "s3://checkpoints/folder"); err == nil || !strings.Contains(err.Error(), "?prefix=folder/") {
		t.Errorf("a folder in the path: %v", err)
	}
}

// Ensure that a store that ignores conditions is found out.
func TestProbe(t *testing.T) {
	address := s3(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("If-None-Match")
			h.ServeHTTP(w, r)
		})
	})
	v, err := checkpoint.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if err := v.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "overwrites what is to be written once") {
		t.Errorf("got %v", err)
	}
}

// checkBucket uploads, restores, decides and collects in a bucket.
func checkBucket(t *testing.T, address string) {
	t.Helper()
	ctx := t.Context()
	v, err := checkpoint.Open(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if err := v.Probe(ctx); err != nil {
		t.Error(err)
	}
	text := map[string]string{"1.sst": strings.Repeat("large ", 3<<20), "2.sst": "small", "MANIFEST-3": "", "marker.4": "x"}
	dir := t.TempDir()
	for name, s := range text {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lineage := strings.Repeat("a", 32)
	first, moved, err := v.Upload(ctx, dir, source, point, lineage, nil)
	if err != nil || moved < first.Size() {
		t.Fatalf("moved %d, %v", moved, err)
	}
	if _, moved, err := v.Upload(ctx, dir, source, point, lineage, &first); err != nil || moved != 0 {
		t.Errorf("again: moved %d, %v", moved, err)
	}
	next := point
	next.Next++
	if err := os.WriteFile(filepath.Join(dir, "marker.4"), []byte("y"), 0o644); err != nil {
		t.Fatal(err)
	}
	second, moved, err := v.Upload(ctx, dir, source, next, lineage, &first)
	if err != nil || moved > 3000 {
		t.Errorf("a small change: moved %d, %v", moved, err)
	}
	list, err := v.Manifests(ctx, source)
	if err != nil || len(list) != 2 || list[0].Name() != second.Name() {
		t.Fatalf("manifests %v, %v", list, err)
	}
	text["marker.4"] = "y"
	out := filepath.Join(t.TempDir(), "restored")
	if err := v.Restore(ctx, list[0], out, nil); err != nil {
		t.Fatal(err)
	}
	for name, want := range text {
		if b, err := os.ReadFile(filepath.Join(out, name)); err != nil || string(b) != want {
			t.Errorf("%s: %d bytes, want %d, %v", name, len(b), len(want), err)
		}
	}
	results := make(chan error)
	for i := range 4 {
		go func() { results <- v.Decide(ctx, "accept-gap/3", fmt.Appendf(nil, "by %d", i)) }()
	}
	won := 0
	for range 4 {
		if err := <-results; err == nil {
			won++
		} else if !errors.Is(err, checkpoint.ErrDecided) {
			t.Errorf("a decision: %v", err)
		}
	}
	if names, err := v.Decisions(ctx, "accept-gap/"); won != 1 || err != nil || len(names) != 1 || names[0] != "accept-gap/3" {
		t.Errorf("%d of 4 decided; %v, %v", won, names, err)
	}
	if _, err := v.Decision(ctx, "none"); !errors.Is(err, checkpoint.ErrNoDecision) {
		t.Errorf("no decision: %v", err)
	}
	c, err := v.Collect(ctx, source, 1, checkpoint.MinAge, time.Now().Add(100*time.Hour))
	if err != nil || c.Manifests != 1 || c.Objects != 1 || c.Kept != 1 {
		t.Errorf("collected %+v, %v", c, err)
	}
	if err := v.Verify(ctx, second, nil); err != nil {
		t.Error(err)
	}
	if err := v.Verify(ctx, first, nil); !errors.Is(err, checkpoint.ErrDamaged) || !strings.Contains(err.Error(), "is not in the bucket") {
		t.Errorf("after its collection: %v", err)
	}
}
