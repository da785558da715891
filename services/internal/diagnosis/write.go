package diagnosis

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/insight"
)

var (
	diagnoses = clickhouse.Table{Name: "tributary.diagnoses", Columns: "store, funnel, funnel_version, moment, label, rule, sentence, days, step, action, dimension, segment, " +
		"units_before, entered_before, units_now, entered_now, mix, rate_effect, z, report, made_at"}
	alerts = clickhouse.Table{Name: "tributary.alerts", Columns: "store, funnel, moment, label, action, dimension, segment, sentence, made_at"}
)

// quiet labels are no alerts: nothing is wrong with the storefront, or nothing is known.
var quiet = []string{insight.LabelNoChange, insight.LabelInsufficient, insight.LabelMix}

// Write keeps a report, and an alert where somebody should look. The moment is the end of the time that was judged; the same one again
// replaces the row.
func Write(ctx context.Context, db Database, f Funnel, moment time.Time, r insight.Report, made time.Time) error {
	whole, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write down a diagnosis: %w", err)
	}
	m := insight.Interval{}
	if r.Move != nil {
		m = *r.Move
	}
	row := []any{f.Store, f.Name, f.Version, moment, r.Label, r.Rule, r.Sentence, uint8(r.Days), uint8(r.Step), r.To, r.Dimension, r.Segment,
		m.Before.X, m.Before.N, m.Now.X, m.Now.N, r.Mix, r.Rate, r.Z, string(whole), made}
	if err := db.Insert(ctx, clickhouse.Insert{Table: &diagnoses, Rows: [][]any{row}}); err != nil {
		return fmt.Errorf("write down a diagnosis: %w", err)
	}
	if slices.Contains(quiet, r.Label) {
		return nil
	}
	alert := []any{f.Store, f.Name, moment, r.Label, r.To, r.Dimension, r.Segment, r.Sentence, made}
	if err := db.Insert(ctx, clickhouse.Insert{Table: &alerts, Rows: [][]any{alert}}); err != nil {
		return fmt.Errorf("write down an alert: %w", err)
	}
	return nil
}
