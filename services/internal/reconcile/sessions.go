package reconcile

import (
	"context"
	"fmt"
	"time"

	"github.com/tributary-data/tributary/schemas/stores"
	"github.com/tributary-data/tributary/services/internal/recount"
)

// runs cuts rows of (visitor, began, ended, n) where the pause before one is longer than the gap in force at the earlier neighbour's time.
// Those that the borders of the time may cut are left out.
const runs = `SELECT visitor, min(began) AS began, max(ended) AS ended, toInt64(sum(n)) AS n, any(name) AS name FROM (
		SELECT *, sum(toUInt8(began - earlier > %s)) OVER (PARTITION BY visitor ORDER BY began, ended ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS run FROM (
			SELECT *, max(ended) OVER (PARTITION BY visitor ORDER BY began, ended ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier FROM (%s)))
	GROUP BY visitor, run HAVING began >= {from:Int64} + {gap:Int64} AND ended < {to:Int64} - {gap:Int64}`

const eventRows = `SELECT visitor, toUnixTimestamp64Milli(event_ts) AS began, began AS ended, 1 AS n, '' AS name FROM tributary.events FINAL
	WHERE store = {store:String} AND late = 0 AND interactive = 1 AND visitor != '' AND event_ts >= fromUnixTimestamp64Milli({from:Int64}) AND event_ts < fromUnixTimestamp64Milli({to:Int64})`

// sessionRows' events are all that a session has: those of a capped run's tail, which only count, are among them, and its end is theirs.
const sessionRows = `SELECT visitor, toUnixTimestamp64Milli(started_at) AS began, toUnixTimestamp64Milli(ended_at) AS ended, toInt64(events) AS n, lower(hex(session_id)) AS name
	FROM tributary.sessions FINAL WHERE deleted = 0 AND epoch = (SELECT argMax(epoch, live_from_day) FROM tributary.epochs FINAL) AND store = {store:String}
		AND started_at < fromUnixTimestamp64Milli({to:Int64}) AND ended_at >= fromUnixTimestamp64Milli({from:Int64})`

// sessions is check (b), store by store, since each has its gap.
func (j Job) sessions(ctx context.Context, r *Result) error {
	lines, err := recount.Timelines(ctx, j.DB)
	if err != nil {
		return err
	}
	for _, store := range sortedStores(lines, j.Store) {
		p := j.params(r)
		p["store"] = store
		gap, longest := gapAt(*lines[store])
		p["gap"] = fmt.Sprint(longest)
		if err := j.runs(ctx, store, gap, p, r); err != nil {
			return err
		}
	}
	return nil
}

// gapAt is the session gap in force at a time named earlier, as SQL, and the longest of them, in milliseconds.
func gapAt(line stores.Timeline) (sql string, longest int64) {
	sql = fmt.Sprint(line[0].File.Meaning.SessionGap.Millis())
	longest = line[0].File.Meaning.SessionGap.Millis()
	for _, set := range line[1:] {
		gap := set.File.Meaning.SessionGap.Millis()
		sql = fmt.Sprintf("if(earlier >= %d, %d, %s)", set.From, gap, sql)
		longest = max(longest, gap)
	}
	return sql, longest
}

// runs compares those of one store.
func (j Job) runs(ctx context.Context, store, gap string, p map[string]string, r *Result) error {
	query := `SELECT e.n, s.n, greatest(e.began, s.began), e.ended, s.ended, s.name FROM (` + fmt.Sprintf(runs, gap, eventRows) + `) AS e
		FULL OUTER JOIN (` + fmt.Sprintf(runs, gap, sessionRows) + `) AS s ON e.visitor = s.visitor AND e.began = s.began ORDER BY 3, 6 SETTINGS join_use_nulls = 0`
	return j.DB.EachBound(ctx, query, p, func(scan func(...any) error) error {
		var events, stored, began, ended, storedEnd int64
		var name string
		if err := scan(&events, &stored, &began, &ended, &storedEnd, &name); err != nil {
			return err
		}
		r.Compared++
		if events == stored && ended == storedEnd {
			return nil
		}
		f := Finding{Check: CheckSessions, Store: store, Window: time.UnixMilli(began).UTC(), Key: "session " + name, Stored: span(stored, storedEnd), Recounted: span(events, ended)}
		if name == "" {
			f.Key = "no session"
		}
		r.differ(f)
		return nil
	})
}

func span(events, ended int64) string {
	if events == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%d events until %s", events, time.UnixMilli(ended).UTC().Format("15:04:05.000"))
}
