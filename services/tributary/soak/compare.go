package soak

import (
	"context"
	"fmt"
	"strings"
)

// Table compares the rows of two epochs, by key, in all columns but epoch and version.
type Table struct {
	Name string `json:"table"`
	// Rows are keys of the first epoch, Differing those that are missing, too many or other on either side.
	Rows      int `json:"rows"`
	Differing int `json:"differing"`
	// First are a few of them, with what both epochs hold.
	First []string `json:"first,omitempty"`
}

// derived tables have the epoch in their key.
var derived = []struct{ name, key, columns, where string }{
	{"sessions", "store, created_day, session_id", "* EXCEPT (epoch, version, variants), mapSort(variants)", "1"}, // a Map has no order, its text has
	// A cell that was emptied again stays as a row of zeros, and is none where the unit never was in between two flushes: that
	// depends on when a flush came. It counts nothing either way.
	{"funnel_cells", "store, stage, funnel, funnel_version, basis, window_seconds, window_start, breakdown, values, class, generation, partition",
		"* EXCEPT (epoch, version, time_to_step), arrayMap(m -> mapSort(m), time_to_step)",
		"arrayExists(x -> x != 0, arrayConcat(units, implied, observed_value, open_units)) OR arrayExists(m -> arrayExists(x -> x != 0, mapValues(m)), time_to_step)"},
}

// compareEpochs compares epoch 0 with epoch 1.
func compareEpochs(ctx context.Context, db each) (out []Table, err error) {
	for _, d := range derived {
		t := Table{Name: d.name}
		if t.Rows, err = count(ctx, db, fmt.Sprintf("SELECT count() FROM tributary.%s FINAL WHERE epoch = 0 AND (%s)", d.name, d.where)); err != nil {
			return nil, err
		}
		rows := fmt.Sprintf("(SELECT epoch, (%s) AS k, toString(tuple(%s)) AS row FROM tributary.%s FINAL WHERE epoch IN (0, 1) AND (%s))", d.key, d.columns, d.name, d.where)
		differing := "SELECT toString(k) AS at, groupArrayIf(row, epoch = 0) AS disturbed, groupArrayIf(row, epoch = 1) AS fresh FROM " + rows +
			" GROUP BY k HAVING length(disturbed) != 1 OR disturbed != fresh"
		if t.Differing, err = count(ctx, db, "SELECT count() FROM ("+differing+")"); err != nil {
			return nil, err
		}
		if t.Differing > 0 {
			if t.First, err = first(ctx, db, "SELECT at, arrayStringConcat(disturbed, ' and '), arrayStringConcat(fresh, ' and ') FROM ("+differing+") ORDER BY at LIMIT 5"); err != nil {
				return nil, err
			}
		}
		out = append(out, t)
	}
	return out, nil
}

func count(ctx context.Context, db each, query string) (int, error) {
	var n uint64
	err := db.Each(ctx, query, func(scan func(...any) error) error { return scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("compare: %w", err)
	}
	return int(n), nil
}

func first(ctx context.Context, db each, query string) (out []string, err error) {
	err = db.Each(ctx, query, func(scan func(...any) error) error {
		var key, disturbed, fresh string
		err := scan(&key, &disturbed, &fresh)
		out = append(out, fmt.Sprintf("%s: disturbed %s, fresh %s", key, orNone(disturbed), orNone(fresh)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	return out, nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// shared are tables without an epoch: the fresh run writes the same rows again, with the same versions, and changes nothing.
var shared = []string{"events", "intake", "orders", "refunds", "late_events", "dead_letters"}

// Digest of a table: rows, and a sum of their hashes.
type Digest struct {
	Rows uint64 `json:"rows"`
	Sum  uint64 `json:"sum"`
}

// digests of the shared tables.
func digests(ctx context.Context, db each) (map[string]Digest, error) {
	out := map[string]Digest{}
	for _, name := range shared {
		var d Digest
		query := "SELECT count(), sum(cityHash64(toString(tuple(*)))) FROM tributary." + name + " FINAL"
		if err := db.Each(ctx, query, func(scan func(...any) error) error { return scan(&d.Rows, &d.Sum) }); err != nil {
			return nil, fmt.Errorf("digest of %s: %w", name, err)
		}
		out[name] = d
	}
	return out, nil
}

// changed names the shared tables that the fresh run changed.
func changed(before, after map[string]Digest) (out []string) {
	for _, name := range shared {
		if b, a := before[name], after[name]; b != a {
			out = append(out, fmt.Sprintf("%s: %d rows with the sum %x, after the fresh run %d with %x", name, b.Rows, b.Sum, a.Rows, a.Sum))
		}
	}
	return out
}

// Intake is what the fold counted of the demo's store.
type Intake struct {
	Records   int64 `json:"records"`
	Unique    int64 `json:"unique"`
	Duplicate int64 `json:"duplicate"`
	IDReused  int64 `json:"id_reused"`
	Late      int64 `json:"late"`
}

func readIntake(ctx context.Context, db each) (i Intake, err error) {
	err = db.Each(ctx, "SELECT sum(records), sum(unique_events), sum(duplicate), sum(id_reused), sum(late) FROM tributary.intake FINAL", func(scan func(...any) error) error {
		return scan(&i.Records, &i.Unique, &i.Duplicate, &i.IDReused, &i.Late)
	})
	if err != nil {
		return i, fmt.Errorf("read intake: %w", err)
	}
	return i, nil
}

// faults of the counts, beside what is stored: every unique record is an event, and no repeat counts as something else.
func (i Intake) faults(s Stored) (out []string) {
	if want := int64(s.Stored + s.StoredOpen); i.Unique != want {
		out = append(out, fmt.Sprintf("intake counts %d unique events, %d are stored", i.Unique, want))
	}
	if i.IDReused != 0 {
		out = append(out, fmt.Sprintf("intake counts %d ids with another payload, a repeat has none", i.IDReused))
	}
	if sum := i.Unique + i.Duplicate + i.IDReused; sum != i.Records {
		out = append(out, fmt.Sprintf("intake counts %d records, and %d unique, repeated and reused", i.Records, sum))
	}
	return out
}

// lines of what differs, for people.
func lines(tables []Table) (out []string) {
	for _, t := range tables {
		if t.Differing > 0 {
			out = append(out, fmt.Sprintf("%s: %d keys differ", t.Name, t.Differing))
		}
		for _, f := range t.First {
			out = append(out, "  "+strings.TrimSpace(f))
		}
	}
	return out
}
