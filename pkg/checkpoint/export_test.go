package checkpoint

import "testing"

// Fail calls f before (done is false) and after each operation on the bucket; an error ends it.
func (v *Vault) Fail(f func(op, key string, done bool) error) { v.fault = f }

// Decode is for fuzzing.
var Decode = decode

// Fresh is what an upload counts on.
const Fresh = fresh

// Folder is the bucket's.
func (v *Vault) Folder(t testing.TB) string { t.Helper(); return string(v.folder) }
