package clickhouse

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Migrate applies the numbered files of dir in fsys that were not applied yet, in order. It reports what it applied.
func (d *DB) Migrate(ctx context.Context, fsys fs.FS, dir string) ([]string, error) {
	for _, s := range []string{"CREATE DATABASE IF NOT EXISTS tributary",
		"CREATE TABLE IF NOT EXISTS tributary.migrations (name String, applied_at DateTime DEFAULT now()) ENGINE = ReplacingMergeTree ORDER BY name"} {
		if err := d.Exec(ctx, s); err != nil {
			return nil, fmt.Errorf("prepare migrations: %w", err)
		}
	}
	done := map[string]bool{}
	err := d.Each(ctx, "SELECT name FROM tributary.migrations", func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		done[name] = true
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	var applied []string
	for _, e := range entries {
		if done[e.Name()] || !strings.HasSuffix(e.Name(), ".sql") {
			continue
		}
		if err := d.apply(ctx, fsys, path.Join(dir, e.Name())); err != nil {
			return applied, err
		}
		applied = append(applied, e.Name())
	}
	return applied, nil
}

// apply runs one file's statements and notes it. Statements can be repeated: a crash in between does no harm.
func (d *DB) apply(ctx context.Context, fsys fs.FS, file string) error {
	text, err := fs.ReadFile(fsys, file)
	if err != nil {
		return fmt.Errorf("read migration: %w", err)
	}
	for i, s := range Statements(string(text)) {
		if err := d.Exec(ctx, s); err != nil {
			return fmt.Errorf("migration %s, statement %d: %w", path.Base(file), i+1, err)
		}
	}
	if err := d.Exec(ctx, "INSERT INTO tributary.migrations (name) VALUES ('"+path.Base(file)+"')"); err != nil {
		return fmt.Errorf("note migration %s: %w", path.Base(file), err)
	}
	return nil
}

// Statements splits a file at semicolons that end a line, and drops comment lines.
func Statements(text string) []string {
	var out []string
	var b strings.Builder
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "--") || trimmed == "" {
			continue
		}
		if s, ok := strings.CutSuffix(trimmed, ";"); ok {
			b.WriteString(s)
			out = append(out, b.String())
			b.Reset()
			continue
		}
		b.WriteString(line)
	}
	if strings.TrimSpace(b.String()) != "" {
		out = append(out, b.String())
	}
	return out
}
