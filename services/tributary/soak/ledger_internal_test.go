package soak

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// stored is a table of message ids.
type stored []string

func (s stored) Each(_ context.Context, _ string, row func(scan func(dest ...any) error) error) error {
	for _, id := range s {
		if err := row(func(dest ...any) error {
			*dest[0].(*string) = id
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// Ensure that the ledger is compared in both directions, that what was never acknowledged may be stored or not, and that what
// differs is named.
func TestLedger(t *testing.T) {
	l := &ledger{seed: 5}
	for _, batch := range []int{0, 1, 3} {
		l.sent(batch)
	}
	l.acknowledge(0)
	l.acknowledge(1)
	l.acknowledge(1)
	var all stored
	for _, batch := range []int{0, 1} {
		for i := range perBatch {
			all = append(all, messageID(5, batch, i))
		}
	}
	all = append(all, messageID(5, 3, 7))
	if l.events() != 2*perBatch {
		t.Errorf("%d events acknowledged", l.events())
	}
	for name, c := range map[string]struct {
		rows stored
		want Stored
		says string
	}{
		"exact": {all, Stored{Acknowledged: 100, Stored: 100, Open: 50, StoredOpen: 1}, ""},
		"lost":  {all[1:], Stored{Acknowledged: 100, Stored: 99, Open: 50, StoredOpen: 1}, messageID(5, 0, 0) + " was acknowledged and is not stored"},
		"twice": {append(slices.Clone(all), all[3]), Stored{Acknowledged: 100, Stored: 100, Open: 50, StoredOpen: 1, Twice: 1}, all[3] + " is stored twice"},
		"never sent": {append(slices.Clone(all), messageID(5, 2, 0), messageID(5, 4, 0), messageID(6, 0, 0), "x", messageID(5, 0, perBatch)),
			Stored{Acknowledged: 100, Stored: 100, Open: 50, StoredOpen: 1, Foreign: 5}, "was never sent"},
	} {
		got, err := l.compare(t.Context(), c.rows)
		first := strings.Join(got.First, "\n")
		got.First = nil
		if err != nil || got.Acknowledged != c.want.Acknowledged || got.difference() != c.want.difference() || got.Open != c.want.Open || got.StoredOpen != c.want.StoredOpen ||
			got.Foreign != c.want.Foreign || got.Twice != c.want.Twice || !strings.Contains(first, c.says) {
			t.Errorf("%s: got %+v %q, want %+v, %v", name, got, first, c.want, err)
		}
	}
	if _, err := l.compare(t.Context(), failing{}); err == nil {
		t.Error("a failed query was taken for a result")
	}
}

type failing struct{}

func (failing) Each(context.Context, string, func(scan func(dest ...any) error) error) error {
	return errors.New("no answer")
}
