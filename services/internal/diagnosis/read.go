// Package diagnosis reads what pkg/insight needs from ClickHouse's views, and writes down what it found.
package diagnosis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/insight"
)

// Database is what is needed of ClickHouse.
type Database interface {
	EachBound(ctx context.Context, query string, params clickhouse.Params, row func(scan func(dest ...any) error) error) error
	Insert(ctx context.Context, in clickhouse.Insert) error
}

// Funnel of a store, in the version that is in force.
type Funnel struct {
	Store, Name string
	Version     uint16
	Steps       []string
}

// ErrNothing says that there is no such store or funnel.
var ErrNothing = errors.New("there is no such funnel")

// span of days that a question holds: four weeks and the longest window.
const span = 35

// Funnels of a store, or of all stores, by name; name "" means all funnels.
func Funnels(ctx context.Context, db Database, store, name string) (out []Funnel, err error) {
	err = db.EachBound(ctx, `SELECT toString(store), toString(funnel), max(funnel_version), argMax(actions, funnel_version) FROM bi.funnel_versions
		WHERE ({store:String} = '' OR store = {store:String}) AND ({funnel:String} = '' OR funnel = {funnel:String}) GROUP BY store, funnel ORDER BY store, funnel`,
		clickhouse.Params{"store": store, "funnel": name}, func(scan func(...any) error) error {
			var f Funnel
			err := scan(&f.Store, &f.Name, &f.Version, &f.Steps)
			out = append(out, f)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("list funnels: %w", err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: store %q, funnel %q: tributary query funnel_versions lists what there is", ErrNothing, store, name)
	}
	return out, nil
}

// Marks of the live epoch: how far processing has come, and what never changes again.
type Marks struct{ Processed, Final time.Time }

// ReadMarks reads them; zero times where not every partition has reported yet.
func ReadMarks(ctx context.Context, db Database) (m Marks, err error) {
	err = db.EachBound(ctx, "SELECT processed_through, final_through FROM bi.completeness WHERE stage = 'sessions'", nil,
		func(scan func(...any) error) error { return scan(&m.Processed, &m.Final) })
	if err != nil {
		return m, fmt.Errorf("read how far processing has come: %w", err)
	}
	return m, nil
}

// Moment that is asked about by default: the last quarter of an hour that is final.
func (m Marks) Moment() time.Time { return m.Final.UTC().Truncate(15 * time.Minute) }

// Now is the last minute that was processed: what happens there is live, and outages are looked for in it, a day before it is final.
func (m Marks) Now() time.Time { return m.Processed.UTC().Truncate(time.Minute) }

// Judged is the end of the time that a report is about: an outage is told of the minutes before now, all else of the days before the moment.
func Judged(r insight.Report, moment, now time.Time) time.Time {
	if r.Label == insight.LabelOutage {
		return now
	}
	return moment
}

// Read asks for one funnel's 35 days before the moment, in days of 24 hours of the store's own time, and for the minutes before now, in which
// outages are looked for.
func Read(ctx context.Context, db Database, f Funnel, moment, now time.Time, marks Marks) (insight.Question, error) {
	q := insight.Question{Steps: f.Steps}
	days := make([]insight.Day, span)
	for age := range days {
		end := moment.Add(-time.Duration(age) * 24 * time.Hour)
		days[age] = insight.Day{Age: age, Final: !end.After(marks.Final)}
	}
	r := reader{db: db, funnel: f, params: clickhouse.Params{"store": f.Store, "funnel": f.Name, "version": strconv.Itoa(int(f.Version)),
		"moment": moment.UTC().Format(time.DateTime), "days": strconv.Itoa(span)}}
	if err := r.tables(ctx, days); err != nil {
		return q, err
	}
	if err := r.classes(ctx, days); err != nil {
		return q, err
	}
	notes, err := r.notes(ctx, moment, days)
	if err != nil {
		return q, err
	}
	q.Days, q.Notes = days, notes
	if q.Beats, err = r.beats(ctx, now); err != nil {
		return q, err
	}
	return q, nil
}
