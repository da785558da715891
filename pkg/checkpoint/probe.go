package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Probe finds out whether the bucket can be written and refuses to write what must be written once a second time, as some that
// speak S3 do not. Whoever uploads calls it once at its start; whoever only reads need not be allowed to.
func (v *Vault) Probe(ctx context.Context) error {
	key := "probe/" + stamp()
	write := func() error {
		return v.put(ctx, key, func(w io.Writer) error { _, err := io.WriteString(w, "probe"); return err }, true)
	}
	if err := write(); err != nil {
		return fmt.Errorf("the bucket cannot be written: give the credentials rights to list, read, write and delete: %w", err)
	}
	err := write()
	if derr := v.remove(ctx, key); derr != nil {
		return fmt.Errorf("the bucket cannot be cleaned up: give the credentials the right to delete: %w", derr)
	}
	switch {
	case err == nil:
		return errors.New("the bucket overwrites what is to be written once (it ignores If-None-Match): use a store that knows conditional writes, as Amazon S3, Google Cloud Storage or a folder do")
	case !errors.Is(err, errExists):
		return fmt.Errorf("the bucket does not know conditional writes (If-None-Match): use a store that does: %w", err)
	}
	return nil
}
