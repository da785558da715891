package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// migration is one numbered file.
type migration struct{ name, text string }

// hash of the text, without what no statement holds.
func (m migration) hash() string {
	h := sha256.Sum256([]byte(strings.Join(Statements(m.text), ";\n")))
	return hex.EncodeToString(h[:8])
}

// ErrDrift says that the database is not what its migrations made. Nothing was changed.
var ErrDrift = errors.New("the database is not what its migrations made")

// Migrate applies the numbered files of dir in fsys that were not applied yet, in order. It reports what it applied. It refuses
// a database that a newer program migrated, that lacks what an applied file created, or to which another text was applied.
func (d *DB) Migrate(ctx context.Context, fsys fs.FS, dir string) ([]string, error) {
	files, err := migrations(fsys, dir)
	if err != nil {
		return nil, err
	}
	for _, s := range []string{"CREATE DATABASE IF NOT EXISTS tributary",
		"CREATE TABLE IF NOT EXISTS tributary.migrations (name String, applied_at DateTime DEFAULT now(), hash String) ENGINE = ReplacingMergeTree ORDER BY name",
		"ALTER TABLE tributary.migrations ADD COLUMN IF NOT EXISTS hash String"} {
		if err := d.Exec(ctx, s); err != nil {
			return nil, fmt.Errorf("prepare migrations: %w", err)
		}
	}
	done := map[string]string{}
	err = d.Each(ctx, "SELECT name, hash FROM tributary.migrations FINAL", func(scan func(...any) error) error {
		var name, hash string
		err := scan(&name, &hash)
		done[name] = hash
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	if err := d.checkDrift(ctx, files, done); err != nil {
		return nil, err
	}
	var applied []string
	for _, m := range files {
		if _, has := done[m.name]; has {
			continue
		}
		if err := d.apply(ctx, m); err != nil {
			return applied, err
		}
		applied = append(applied, m.name)
	}
	return applied, nil
}

// migrations reads the files in order.
func migrations(fsys fs.FS, dir string) (out []migration, err error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".sql") {
			continue
		}
		text, err := fs.ReadFile(fsys, path.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		out = append(out, migration{e.Name(), string(text)})
	}
	slices.SortFunc(out, func(a, b migration) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

// checkDrift compares what was applied, by name and hash, with the files and with what is there.
func (d *DB) checkDrift(ctx context.Context, files []migration, done map[string]string) error {
	there := map[string]bool{}
	err := d.Each(ctx, "SELECT concat(database, '.', name) FROM system.tables WHERE database != 'system'", func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		there[name] = true
		return err
	})
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	newest := ""
	if len(files) > 0 {
		newest = files[len(files)-1].name
	}
	for name := range done {
		if name > newest {
			return fmt.Errorf("%w: %s was applied by a newer program, this one ends at %s: use the newer one", ErrDrift, name, newest)
		}
	}
	for _, m := range files {
		hash, has := done[m.name]
		if !has {
			continue
		}
		if hash != "" && hash != m.hash() {
			return fmt.Errorf("%w: %s was applied with another text: use the program that applied it, or begin anew (dev: --reset)", ErrDrift, m.name)
		}
		for _, name := range created(m.text) {
			if !there[name] {
				return fmt.Errorf("%w: %s created %s, which is missing: restore it from a backup, or delete that migration's row in tributary.migrations and run this again to create it empty", ErrDrift, m.name, name)
			}
		}
	}
	return nil
}

var creates = regexp.MustCompile(`(?i)^CREATE\s+(?:OR\s+REPLACE\s+)?(?:MATERIALIZED\s+)?(?:TABLE|VIEW)\s+(?:IF\s+NOT\s+EXISTS\s+)?([a-z_]+\.[a-z0-9_]+)`)

// created lists the tables and views that a file creates.
func created(text string) (out []string) {
	for _, s := range Statements(text) {
		if m := creates.FindStringSubmatch(strings.TrimSpace(s)); m != nil {
			out = append(out, m[1])
		}
	}
	return out
}

// apply runs one file's statements and notes it. Statements can be repeated: a crash in between does no harm.
func (d *DB) apply(ctx context.Context, m migration) error {
	for i, s := range Statements(m.text) {
		if err := d.Exec(ctx, s); err != nil {
			return fmt.Errorf("migration %s, statement %d: %w", m.name, i+1, err)
		}
	}
	if err := d.Exec(ctx, "INSERT INTO tributary.migrations (name, hash) VALUES ('"+m.name+"', '"+m.hash()+"')"); err != nil {
		return fmt.Errorf("note migration %s: %w", m.name, err)
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
