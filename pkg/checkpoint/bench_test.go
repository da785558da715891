package checkpoint_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/state"
	"github.com/tributary-data/tributary/pkg/stream"
)

// benchStore is a store of about 100 MB that does not compress.
func benchStore(b *testing.B) *state.Store {
	b.Helper()
	s := store(b, b.TempDir())
	for i := range 100 {
		benchCommit(b, s, int64(i+1), 5000)
	}
	return s
}

// benchCommit writes n keys of 200 bytes among half a million.
func benchCommit(b *testing.B, s *state.Store, next int64, n int) {
	b.Helper()
	r := rand.New(rand.NewPCG(uint64(next), 1))
	err := s.Commit(stream.From(next), func(w stream.Batcher) error {
		value := make([]byte, 200)
		for range n {
			for i := 0; i < len(value); i += 8 {
				binary.BigEndian.PutUint64(value[i:], r.Uint64())
			}
			if err := w.Set(binary.BigEndian.AppendUint64([]byte("k"), r.Uint64N(500_000)), value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkUpload uploads a store of 100 MB again and again, after 5,000 keys (1 MB) have changed each time.
func BenchmarkUpload(b *testing.B) {
	v := vault(b, b.TempDir())
	s := benchStore(b)
	m, _ := upload(b, v, s, time.Now(), nil)
	dirs, moved := b.TempDir(), int64(0)
	for b.Loop() {
		benchCommit(b, s, s.Position().Next+1, 5000)
		dir := filepath.Join(dirs, fmt.Sprint(s.Position().Next))
		if err := s.Checkpoint(dir); err != nil {
			b.Fatal(err)
		}
		next, n, err := v.Upload(b.Context(), dir, source, at(s.Position().Next, time.Now()), s.Lineage(), &m)
		if err != nil {
			b.Fatal(err)
		}
		m, moved = next, moved+n
	}
	b.ReportMetric(float64(moved)/float64(b.N), "moved-B/op")
	b.ReportMetric(float64(m.Size()), "store-B")
}

// BenchmarkRestore restores that store.
func BenchmarkRestore(b *testing.B) {
	v := vault(b, b.TempDir())
	m, _ := upload(b, v, benchStore(b), time.Now(), nil)
	dirs, n := b.TempDir(), 0
	b.SetBytes(m.Size())
	for b.Loop() {
		n++
		if err := v.Restore(b.Context(), m, filepath.Join(dirs, fmt.Sprint(n)), nil); err != nil {
			b.Fatal(err)
		}
	}
}
