package reconcile_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/services/internal/reconcile"
)

// moody is a database without rows, whose first reads fail.
type moody struct {
	fails, reads, inserts int
}

func (m *moody) EachBound(context.Context, string, clickhouse.Params, func(func(...any) error) error) error {
	m.reads++
	if m.reads <= m.fails {
		return errors.New("it is away")
	}
	return nil
}

func (m *moody) Insert(context.Context, clickhouse.Insert) error {
	m.inserts++
	return nil
}

// last is the time of the last recount that came to its end, in Unix seconds; 0 if there was none.
func last(t *testing.T, r *prometheus.Registry) float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "tributary_reconcile_last_success_timestamp_seconds" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("there is no such metric")
	return 0
}

// Ensure that a turn that fails is logged and tried again at the next one, and that only a turn that came to its end moves the metric that
// alerts watch.
func TestScheduleTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		core, logs := observer.New(zap.WarnLevel)
		db, r := &moody{fails: 1}, prometheus.NewPedanticRegistry()
		s := reconcile.NewSchedule(db, time.Hour, zap.New(core), r)
		began, done := time.Now(), make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		for _, turn := range []struct {
			at            time.Duration
			reads, writes int
			warnings      int
		}{{59 * time.Minute, 0, 0, 0}, {61 * time.Minute, 1, 0, 1}, {121 * time.Minute, 2, 1, 1}} {
			time.Sleep(time.Until(began.Add(turn.at))) // the bubble's clock: nobody waits
			synctest.Wait()
			if db.reads != turn.reads || db.inserts != turn.writes || logs.Len() != turn.warnings {
				t.Errorf("after %s: %d reads, %d inserts, %d warnings; want %+v", turn.at, db.reads, db.inserts, logs.Len(), turn)
			}
			if ended := last(t, r) > 0; ended != (turn.writes > 0) {
				t.Errorf("after %s: the metric says that a recount ended: %v", turn.at, ended)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Ensure that a pause of 0 turns the schedule off.
func TestScheduleIsOff(t *testing.T) {
	db := &moody{}
	if err := reconcile.NewSchedule(db, 0, zap.NewNop(), prometheus.NewPedanticRegistry()).Run(t.Context()); err != nil || db.reads != 0 {
		t.Errorf("%v after %d reads", err, db.reads)
	}
}
