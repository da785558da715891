package checkpoint

import (
	"context"
	"io"
	"sync"
	"time"

	"gocloud.dev/blob/memblob"
)

// Fail calls f before (done is false) and after each operation on the bucket, one call at a time; an error ends the operation.
func (v *Vault) Fail(f func(op, key string, done bool) error) {
	if v.fault = nil; f == nil {
		return
	}
	var mu sync.Mutex
	v.fault = func(op, key string, done bool) error {
		mu.Lock()
		defer mu.Unlock()
		return f(op, key, done)
	}
}

// Clock replaces the clock.
func (v *Vault) Clock(now func() time.Time) { v.now = now }

// Decode is for fuzzing.
var Decode = decode

// Folder is the bucket's.
func (v *Vault) Folder() string { return string(v.folder) }

// InMemory is a vault in a bucket that is written as those of the clouds are.
func InMemory() *Vault { return &Vault{bucket: memblob.OpenBucket(nil), now: time.Now} }

// Put writes one object.
func (v *Vault) Put(ctx context.Context, key string, content func(io.Writer) error, once bool) error {
	return v.put(ctx, key, content, once)
}

// Get reads one.
func (v *Vault) Get(ctx context.Context, key string) ([]byte, error) { return v.get(ctx, key) }

// ErrExists and ErrAbsent are what the bucket answers.
var (
	ErrExists = errExists
	ErrAbsent = errAbsent
)
