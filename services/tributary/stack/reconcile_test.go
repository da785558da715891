package stack_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/tributary-data/tributary/schemas/stores"
	"github.com/tributary-data/tributary/services/internal/reconcile"
)

// gauges are the values of a metric of checks, as "check value".
func gauges(t *testing.T, r *prometheus.Registry, name string) (out []string) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				out = append(out, fmt.Sprint(m.GetLabel()[0].GetValue(), " ", m.GetGauge().GetValue()))
			}
		}
	}
	return out
}

// Ensure that the schedule's turn comes to its end while no time is final yet: it writes that nothing was compared, and says so in the metrics.
func TestNothingIsFinalYet(t *testing.T) {
	db, r := fresh(t), prometheus.NewPedanticRegistry()
	if err := reconcile.NewSchedule(db, 0, zap.NewNop(), r).Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, db, "SELECT check, compared, differences, from_ts = to_ts FROM bi.reconciliations ORDER BY check", "cells 0 0 1", "intake 0 0 1", "sessions 0 0 1")
	expect(t, db, "SELECT count() FROM bi.reconcile_findings", "0")
	exec(t, db, strings.Replace(config("demo", "UTC"), "'UTC', ''", "'UTC', '"+string(stores.Demo())+"'", 1))
	if _, err := (reconcile.Job{DB: db, Store: "dmo"}).Run(t.Context()); !errors.Is(err, reconcile.ErrStore) || !strings.Contains(err.Error(), "there are demo") {
		t.Errorf("a store that there is not: %v", err)
	}
	for _, name := range []string{"tributary_reconcile_compared", "tributary_reconcile_differences"} {
		if got, want := gauges(t, r, name), []string{"cells 0", "intake 0", "sessions 0"}; !slices.Equal(got, want) {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}
