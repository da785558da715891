package diagnosis

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/insight"
	"github.com/tributary-data/tributary/services/internal/turns"
)

// Schedule diagnoses every funnel again and again. Several instances do the same work and write the same rows.
type Schedule struct {
	DB Database
	// Every is the pause between two rounds; 0: never.
	Every time.Duration
	Log   *zap.Logger
}

// Run until ctx ends. What fails is tried again at the next round.
func (s *Schedule) Run(ctx context.Context) error {
	return turns.Every(ctx, s.Every, s.Log, "funnels were not diagnosed", s.Round)
}

// Round diagnoses every funnel once: the days at the last moment that is final, the minutes now.
func (s *Schedule) Round(ctx context.Context) error {
	marks, err := ReadMarks(ctx, s.DB)
	if err != nil {
		return err
	}
	if marks.Final.Unix() <= 0 {
		return nil // nothing is final yet
	}
	funnels, err := Funnels(ctx, s.DB, "", "")
	if err != nil {
		return err
	}
	for _, f := range funnels {
		q, err := Read(ctx, s.DB, f, marks.Moment(), marks.Now(), marks)
		if err != nil {
			return err
		}
		r := insight.Diagnose(q)
		if err := Write(ctx, s.DB, f, Judged(r, marks.Moment(), marks.Now()), r, time.Now().UTC()); err != nil {
			return err
		}
		s.Log.Debug("diagnosed", zap.String("store", f.Store), zap.String("funnel", f.Name), zap.String("label", r.Label))
	}
	return nil
}
