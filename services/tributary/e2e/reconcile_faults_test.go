package e2e_test

import (
	"fmt"
	"strings"

	"github.com/tributary-data/tributary/services/internal/reconcile"
)

// fault is what somebody's hand could do to the tables.
type fault struct {
	name string
	// pick answers, before the fault: the id that {id} stands for in plant, and the lines that must be found. {noon} is ten hours into the day.
	pick, plant string
	// also names a check that must differ too, in lines that are not told one by one.
	also string
}

// cellFault is one cell of one partition, none of another partition beside it; another one for each fault. Its line ends with both values.
func cellFault(number int, stored, recounted string) string {
	return fmt.Sprintf(`SELECT toString(sipHash64(funnel, funnel_version, window_start, breakdown, values)), concat('cells: store demo, ', toString(any(window_start)), '.000, funnel ', funnel,
			' version ', toString(funnel_version), ', ', breakdown, ' = ', arrayStringConcat(values, ','), ', human, units: stored [', %s, '], recounted [', %s, ']')
		FROM tributary.funnel_cells FINAL WHERE `+cells+` AND window_start >= '{noon}' GROUP BY funnel, funnel_version, window_start, breakdown, values
		HAVING count() = 1 AND any(units[1]) > 0 ORDER BY window_start, funnel, breakdown, values LIMIT 1 OFFSET %d`, stored, recounted, number)
}

const (
	cells  = `store = 'demo' AND stage = 'visitor' AND basis = 'entry' AND window_seconds = 900 AND class = 'human'`
	thatIs = ` WHERE ` + cells + ` AND sipHash64(funnel, funnel_version, window_start, breakdown, values) = {id}`
	units  = `arrayStringConcat(any(units), ' ')`
	more   = `arrayStringConcat(arrayMap(u -> u + 1, any(units)), ' ')`
	// lonely visitors have one session, which ends before the last hours.
	lonely = `visitor IN (SELECT visitor FROM tributary.sessions FINAL WHERE store = 'demo' AND deleted = 0 GROUP BY visitor HAVING count() = 1 AND any(events) > 2)`
	live   = `store = 'demo' AND deleted = 0 AND started_at > '{noon}' AND ` + lonely
)

// sessionFault is the line of a lonely visitor's session: how many events it has and when it ends, as stored and as recounted.
func sessionFault(number int, name, stored, recounted string) string {
	return fmt.Sprintf(`SELECT lower(hex(session_id)), concat('sessions: store demo, ', toString(started_at), ', ', %s, ': stored ', %s, ', recounted ', %s)
		FROM tributary.sessions FINAL WHERE `+live+` ORDER BY started_at, session_id LIMIT 1 OFFSET %d`, name, stored, recounted, number)
}

const (
	named = `concat('session ', lower(hex(session_id)))`
	asIs  = `concat(toString(events), ' events until ', substring(toString(ended_at), 12))`
	later = `concat(toString(events), ' events until ', substring(toString(ended_at + INTERVAL 7 SECOND), 12))`
	// above the cap, alone among its visitor's sessions or not.
	above     = `store = 'demo' AND deleted = 0 AND tail_events > 0`
	endsLater = `INSERT INTO tributary.sessions SELECT * REPLACE (version + 1 AS version, ended_at + INTERVAL 7 SECOND AS ended_at) FROM tributary.sessions FINAL WHERE session_id = unhex('{id}')`
)

var faults = []fault{
	{name: "a cell counts one more", pick: cellFault(0, more, units),
		plant: `INSERT INTO tributary.funnel_cells SELECT * REPLACE (version + 1 AS version, arrayMap(u -> u + 1, units) AS units) FROM tributary.funnel_cells FINAL` + thatIs},
	{name: "a cell is gone", pick: cellFault(1, `''`, units), plant: `ALTER TABLE tributary.funnel_cells DELETE` + thatIs + ` SETTINGS mutations_sync = 2`},
	{name: "a cell is one too many", pick: strings.Replace(cellFault(2, units, `''`), "arrayStringConcat(values, ',')", "'nowhere'", 1),
		plant: `INSERT INTO tributary.funnel_cells SELECT * REPLACE (['nowhere'] AS values) FROM (SELECT * FROM tributary.funnel_cells FINAL` + thatIs + `)`},
	{name: "a session has one event more", pick: sessionFault(0, named, `replaceOne(`+asIs+`, toString(events), toString(events + 1))`, asIs),
		plant: `INSERT INTO tributary.sessions SELECT * REPLACE (version + 1 AS version, events + 1 AS events) FROM tributary.sessions FINAL WHERE session_id = unhex('{id}')`},
	{name: "a session ends later", pick: sessionFault(1, named, later, asIs), plant: endsLater},
	{name: "a session above the cap ends later", pick: strings.NewReplacer(live, above, "OFFSET 0", "").Replace(sessionFault(0, named, later, asIs)), plant: endsLater},
	{name: "a session is gone", pick: sessionFault(2, `'no session'`, `'nothing'`, asIs), also: reconcile.CheckCells,
		plant: `ALTER TABLE tributary.sessions DELETE WHERE session_id = unhex('{id}') SETTINGS mutations_sync = 2`},
	{name: "an event is gone", pick: eventFault(3, "records", "i.records", `concat(toString(i.records - 1), ' = ', toString(i.unique_events - 1), ' events + ', toString(i.duplicate), ' repeats + ', toString(i.id_reused), ' reused ids')`),
		plant: `ALTER TABLE tributary.events DELETE WHERE concat(visitor, ' ', lower(hex(event_id))) = '{id}' SETTINGS mutations_sync = 2`},
	{name: "an event became late", pick: eventFault(4, "late", "i.late", "toString(i.late + 1)"),
		plant: `ALTER TABLE tributary.events UPDATE late = 1 WHERE concat(visitor, ' ', lower(hex(event_id))) = '{id}' SETTINGS mutations_sync = 2`},
}

// eventFault is one in the middle of a lonely visitor's session: its hour's line, and that of the session, which counts one less. Even and odd
// numbers lie in other partitions, since an hour of a partition has one line.
func eventFault(number int, what, stored, recounted string) string {
	return fmt.Sprintf(`SELECT concat(e.visitor, ' ', lower(hex(e.event_id))), concat('intake: store demo, ', toString(i.ingest_hour), '.000, partition ', toString(i.partition), ' of generation ',
			toString(i.generation), ', %s: stored ', toString(%s), ', recounted ', %s),
			concat('sessions: store demo, ', toString(s.started_at), ', session ', lower(hex(s.session_id)), ': stored ', toString(s.events), ' events until ', substring(toString(s.ended_at), 12),
			', recounted ', toString(s.events - 1), ' events until ', substring(toString(s.ended_at), 12))
		FROM (SELECT * FROM tributary.sessions FINAL WHERE `+live+` AND partition %% 2 = %[4]d %% 2 ORDER BY started_at, session_id LIMIT 1 OFFSET %[4]d) AS s
		INNER JOIN (SELECT * FROM tributary.events FINAL WHERE store = 'demo' AND late = 0 AND interactive = 1) AS e ON e.visitor = s.visitor
		INNER JOIN (SELECT * FROM tributary.intake FINAL) AS i ON i.store = e.store AND i.ingest_hour = toStartOfHour(e.ingest_ts, 'UTC') AND i.generation = e.generation AND i.partition = e.partition
		WHERE e.event_ts > s.started_at AND e.event_ts < s.ended_at ORDER BY e.event_ts, e.event_id LIMIT 1`, what, stored, recounted, number)
}
