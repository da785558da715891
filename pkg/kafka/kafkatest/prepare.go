package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Prepare makes what lets each start be faster, unless it is there: formatted storage, and an archive of the classes
// that a broker loads until it is ready.
func Prepare(ctx context.Context, version string) (err error) {
	d, err := find(ctx, version)
	if err != nil {
		return err
	}
	if _, err := d.template(ctx); err != nil {
		return err
	}
	if _, err := os.Stat(d.archive()); err == nil {
		return nil
	}
	dir, err := os.MkdirTemp(d.dir, ".prepare-")
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	made := filepath.Join(dir, "classes.jsa")
	c, err := Launch(ctx, Options{Secure: true, Dir: dir, Version: version, javaFlags: []string{"-XX:ArchiveClassesAtExit=" + made}})
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	if err := c.Shutdown(); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	if err := os.Rename(made, d.archive()); err != nil {
		return fmt.Errorf("prepare: no archive of classes: %w", err)
	}
	return nil
}
