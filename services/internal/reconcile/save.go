package reconcile

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/services/internal/turns"
)

var (
	results  = clickhouse.Table{Name: "tributary.reconciliations", Columns: "at, check, from_ts, to_ts, compared, differences, seconds"}
	findings = clickhouse.Table{Name: "tributary.reconcile_findings", Columns: "at, check, number, store, window, key, stored, recounted"}
)

// Save writes what was found as rows.
func Save(ctx context.Context, db Database, at time.Time, list []Result) error {
	runs, found := clickhouse.Insert{Table: &results}, clickhouse.Insert{Table: &findings}
	for _, r := range list {
		runs.Rows = append(runs.Rows, []any{at, r.Check, r.From, r.To, r.Compared, r.Differences, r.Took.Seconds()})
		for i, f := range r.Findings {
			found.Rows = append(found.Rows, []any{at, f.Check, uint32(i), f.Store, f.Window, f.Key, f.Stored, f.Recounted})
		}
	}
	if len(found.Rows) > 0 { // before the run that counts them
		if err := db.Insert(ctx, found); err != nil {
			return fmt.Errorf("write down what differs: %w", err)
		}
	}
	if err := db.Insert(ctx, runs); err != nil {
		return fmt.Errorf("write down a recount: %w", err)
	}
	return nil
}

// Schedule recounts the last day that is final, again and again. Several instances do the same work twice, and no harm.
type Schedule struct {
	db          Database
	every       time.Duration
	log         *zap.Logger
	differences *prometheus.GaugeVec
	compared    *prometheus.GaugeVec
	success     prometheus.Gauge
}

// NewSchedule with its metrics; every 0 never runs.
func NewSchedule(db Database, every time.Duration, log *zap.Logger, r prometheus.Registerer) *Schedule {
	s := &Schedule{db: db, every: every, log: log,
		differences: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tributary_reconcile_differences", Help: "Differences that the last recount found, by check: 0 unless something is wrong."}, []string{"check"}),
		compared:    prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tributary_reconcile_compared", Help: "Things that the last recount compared, by check."}, []string{"check"}),
		success:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "tributary_reconcile_last_success_timestamp_seconds", Help: "When a recount last came to its end, Unix seconds."})}
	r.MustRegister(s.differences, s.compared, s.success)
	for _, c := range Checks() { // there before the first recount, whose time says that there was none
		s.differences.WithLabelValues(c)
		s.compared.WithLabelValues(c)
	}
	return s
}

// Run until ctx ends. What fails is tried again at the next turn.
func (s *Schedule) Run(ctx context.Context) error {
	return turns.Every(ctx, s.every, s.log, "nothing was recounted", s.Round)
}

// Round recounts once.
func (s *Schedule) Round(ctx context.Context) error {
	list, err := Job{DB: s.db}.Run(ctx)
	if err != nil {
		return err
	}
	if err := Save(ctx, s.db, time.Now().UTC(), list); err != nil {
		return err
	}
	for _, r := range list {
		s.differences.WithLabelValues(r.Check).Set(float64(r.Differences))
		s.compared.WithLabelValues(r.Check).Set(float64(r.Compared))
		if r.Differences > 0 {
			s.log.Error("a recount differs from what is stored: tributary reconcile shows where", zap.String("check", r.Check), zap.Int64("differences", r.Differences))
		}
	}
	s.success.SetToCurrentTime()
	return nil
}
