package diagnosis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/insight"
)

// reader of one funnel at one moment.
type reader struct {
	db     Database
	funnel Funnel
	params clickhouse.Params
}

// aged are the funnel's steps with their age in days of 24 hours, by the clock of the store: over a change of clocks like hours are
// compared with like hours. One day more is read than is kept, since clocks differ by an hour.
const aged = `SELECT class, breakdown, values, step, units, open_units, entered, whole,
		intDiv(dateDiff('second', parseDateTime(toString(window_start, zone), '%Y-%m-%d %H:%i:%s', 'UTC'), parseDateTime(toString(toDateTime({moment:String}, 'UTC'), zone), '%Y-%m-%d %H:%i:%s', 'UTC')) - 1, 86400) AS age
	FROM (
		SELECT l.*, z.time_zone AS zone FROM tributary.live_steps AS l INNER JOIN tributary.zones AS z ON l.store = z.store
		WHERE l.store = {store:String} AND l.funnel = {funnel:String} AND l.funnel_version = {version:UInt16} AND l.basis = 'entry' AND l.window_seconds = 900
			AND l.window_start < toDateTime({moment:String}, 'UTC') AND l.window_start >= toDateTime({moment:String}, 'UTC') - toIntervalDay({days:UInt16} + 1)
	)`

// tables fills the days' breakdowns.
func (r *reader) tables(ctx context.Context, days []insight.Day) error {
	return r.each(ctx, "counts", `SELECT toInt64(age), toString(breakdown), arrayStringConcat(values, ','), toInt64(step), toInt64(sum(units)), toInt64(sum(open_units))
		FROM (`+aged+`) WHERE class = 'human' AND age < {days:UInt16} GROUP BY age, breakdown, values, step ORDER BY age, breakdown, values, step`,
		func(scan func(...any) error) error {
			var age, step, units, open int64
			var breakdown, value string
			if err := scan(&age, &breakdown, &value, &step, &units, &open); err != nil {
				return err
			}
			c := segment(&days[age], breakdown, value, len(r.funnel.Steps))
			if i := int(step) - 1; i < len(c.Units) {
				c.Units[i], c.Open[i] = units, open
			}
			return nil
		})
}

// segment of a day, the last one that was added if it is the same: rows come in order.
func segment(d *insight.Day, breakdown, value string, steps int) *insight.Counts {
	if n := len(d.Tables); n == 0 || d.Tables[n-1].Dimension != breakdown {
		d.Tables = append(d.Tables, insight.Table{Dimension: breakdown})
	}
	t := &d.Tables[len(d.Tables)-1]
	if n := len(t.Segments); n == 0 || t.Segments[n-1].Value != value {
		t.Segments = append(t.Segments, insight.Counts{Value: value, Units: make([]int64, steps), Open: make([]int64, steps)})
	}
	return &t.Segments[len(t.Segments)-1]
}

// classes fills in how many people and robots entered.
func (r *reader) classes(ctx context.Context, days []insight.Day) error {
	return r.each(ctx, "classes", `SELECT toInt64(age), toInt64(sumIf(units, class = 'human')), toInt64(sumIf(units, class = 'bot'))
		FROM (`+aged+`) WHERE step = 1 AND whole AND age < {days:UInt16} GROUP BY age`,
		func(scan func(...any) error) error {
			var age, humans, bots int64
			if err := scan(&age, &humans, &bots); err != nil {
				return err
			}
			days[age].Humans, days[age].Bots = humans, bots
			return nil
		})
}

// notes are the annotations around the moment; incidents mark the days that they touch.
func (r *reader) notes(ctx context.Context, moment time.Time, days []insight.Day) (out []insight.Note, err error) {
	err = r.each(ctx, "annotations", `SELECT from_ts, to_ts, toString(kind), text FROM bi.annotations WHERE (store = {store:String} OR store = '')
		AND to_ts >= toDateTime({moment:String}, 'UTC') - toIntervalDay({days:UInt16}) AND from_ts <= toDateTime({moment:String}, 'UTC') + toIntervalDay(1) ORDER BY from_ts, text`,
		func(scan func(...any) error) error {
			var from, to time.Time
			var n insight.Note
			if err := scan(&from, &to, &n.Kind, &n.Text); err != nil {
				return err
			}
			if n.Kind == "incident" {
				markIncident(days, moment, from, to)
			}
			if n.Hours = moment.Sub(from).Hours(); n.Hours <= 8*24 {
				out = append(out, n)
			}
			return nil
		})
	return out, err
}

func markIncident(days []insight.Day, moment, from, to time.Time) {
	for age := range days {
		end := moment.Add(-time.Duration(age) * 24 * time.Hour)
		if from.Before(end) && !to.Before(end.Add(-24*time.Hour)) {
			days[age].Incident = true
		}
	}
}

// beatMinutes is how far back outages are looked for.
const beatMinutes = 120

// beats are the two hours before end of each step by occurrence, with the usual rate of the hour of the week; minutes that are gone make none.
func (r *reader) beats(ctx context.Context, end time.Time) ([]insight.Beat, error) {
	r.params["end"] = end.Format(time.DateTime)
	r.params["minutes"] = strconv.Itoa(beatMinutes)
	usual, err := r.usual(ctx)
	if err != nil {
		return nil, err
	}
	counts := map[int64][]int64{} // by minute before the end
	err = r.each(ctx, "minutes", `SELECT toInt64(dateDiff('minute', window_start, toDateTime({end:String}, 'UTC'))) AS ago, toInt64(step), toInt64(sum(units)) FROM tributary.live_steps
		WHERE store = {store:String} AND funnel = {funnel:String} AND basis = 'occurrence' AND window_seconds = 60 AND class = 'human' AND whole
			AND window_start < toDateTime({end:String}, 'UTC') AND window_start >= toDateTime({end:String}, 'UTC') - toIntervalMinute({minutes:UInt16})
		GROUP BY ago, step`, func(scan func(...any) error) error {
		var ago, step, units int64
		if err := scan(&ago, &step, &units); err != nil {
			return err
		}
		if counts[ago] == nil {
			counts[ago] = make([]int64, len(r.funnel.Steps)+1)
		}
		if int(step) < len(counts[ago]) {
			counts[ago][step] = units
		}
		return nil
	})
	if err != nil || len(counts) == 0 {
		return nil, err
	}
	return lay(counts, usual, len(r.funnel.Steps), end), nil
}

// lay puts minutes into order, a beat for each step but the first. A minute without cells had no units.
func lay(counts map[int64][]int64, usual map[usualKey]float64, steps int, end time.Time) (out []insight.Beat) {
	none := make([]int64, steps+1)
	for step := steps; step >= 2; step-- {
		b := insight.Beat{Step: step}
		for ago := int64(beatMinutes); ago >= 1; ago-- {
			c := counts[ago]
			if c == nil {
				c = none
			}
			at := end.Add(-time.Duration(ago) * time.Minute)
			b.Minutes = append(b.Minutes, insight.Minute{Entered: c[step-1], Done: c[step], Usual: usual[usualKey{hourOfWeek(at), step}]})
		}
		out = append(out, b)
	}
	return out
}

// usualKey is an hour of the week (UTC, Monday first) and a step.
type usualKey struct{ hour, step int }

func hourOfWeek(t time.Time) int { return (int(t.Weekday())+6)%7*24 + t.Hour() }

// usual are the step rates by hour of the week, of the four weeks before yesterday. An hour in which too little happened has none, and expects nothing.
func (r *reader) usual(ctx context.Context) (map[usualKey]float64, error) {
	out := map[usualKey]float64{}
	err := r.each(ctx, "usual rates", `SELECT hour, toInt64(step), toInt64(units), toInt64(before) FROM (
			SELECT toInt64((toDayOfWeek(window_start, 0, 'UTC') - 1) * 24 + toHour(window_start, 'UTC')) AS hour, step, sum(units) AS units, sum(before) AS before FROM tributary.live_steps
			WHERE store = {store:String} AND funnel = {funnel:String} AND basis = 'occurrence' AND window_seconds = 900 AND class = 'human' AND whole
				AND window_start < toDateTime({end:String}, 'UTC') - toIntervalDay(1) AND window_start >= toDateTime({end:String}, 'UTC') - toIntervalDay(29)
			GROUP BY hour, step)`, func(scan func(...any) error) error {
		var hour, step, units, before int64
		if err := scan(&hour, &step, &units, &before); err != nil {
			return err
		}
		if before >= 20 {
			out[usualKey{int(hour), int(step)}] = min(1, float64(units)/float64(before))
		}
		return nil
	})
	return out, err
}

func (r *reader) each(ctx context.Context, what, query string, row func(scan func(...any) error) error) error {
	if err := r.db.EachBound(ctx, query, r.params, row); err != nil {
		return fmt.Errorf("read %s of funnel %s: %w", what, r.funnel.Name, err)
	}
	return nil
}
