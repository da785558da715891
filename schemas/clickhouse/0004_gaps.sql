-- What is missing from the logs because an operator decided to go on without it (tributary state accept-gap), and windows that say so.
CREATE TABLE IF NOT EXISTS tributary.gaps
(
    epoch UInt16, stage LowCardinality(String), generation UInt8, partition UInt16, from_offset Int64, version UInt64,
    to_offset Int64, from_ts DateTime64(3, 'UTC'), to_ts DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (epoch, stage, generation, partition, from_offset);

CREATE OR REPLACE VIEW bi.gaps
(
    stage LowCardinality(String) COMMENT 'stage whose log lacks the records: visitor and sessions make sessions and funnels, events the facts',
    generation UInt8 COMMENT 'generation of the topic', partition UInt16 COMMENT 'partition of the topic',
    from_offset Int64 COMMENT 'first missing offset', to_offset Int64 COMMENT 'offset after the last missing one',
    from_ts DateTime64(3, 'UTC') COMMENT 'windows that end after this time may be incomplete',
    to_ts DateTime64(3, 'UTC') COMMENT 'windows that start after this time are not touched'
)
AS SELECT stage, generation, partition, from_offset, to_offset, from_ts, to_ts FROM tributary.gaps FINAL
WHERE epoch = (SELECT argMax(epoch, live_from_day) FROM tributary.epochs FINAL);

CREATE OR REPLACE VIEW tributary.live_steps
AS SELECT c.store AS store, c.funnel AS funnel, c.funnel_version AS funnel_version, c.basis AS basis, c.window_seconds AS window_seconds,
    c.window_start AS window_start, c.v[1] AS channel, c.v[2] AS device, toUInt8(step) AS step, s.steps[step] AS action,
    c.u[step] AS units, c.i[step] AS implied, c.u[1] AS entered, c.o[step] AS observed_value, c.p[step] AS open_units,
    ifNull(c.window_start + toIntervalSecond(c.window_seconds) <= (SELECT max(final_through) FROM bi.completeness WHERE stage = 'sessions'), 0) AS final,
    toUInt8(arrayExists(g -> c.window_start <= g.2 AND c.window_start + toIntervalSecond(c.window_seconds) > g.1,
        (SELECT groupArray((from_ts, to_ts)) FROM bi.gaps WHERE stage IN ('visitor', 'sessions')))) AS incomplete
FROM (
    SELECT store, funnel, funnel_version, basis, window_seconds, window_start, values AS v,
        sumForEach(units) AS u, sumForEach(implied) AS i, sumForEach(observed_value) AS o, sumForEach(open_units) AS p
    FROM tributary.funnel_cells FINAL
    WHERE stage = 'visitor' AND breakdown = 'channel,device' AND class = 'human'
        AND epoch = (SELECT argMax(epoch, live_from_day) FROM tributary.epochs FINAL)
    GROUP BY store, funnel, funnel_version, basis, window_seconds, window_start, values
) AS c
LEFT JOIN (SELECT store, funnel, funnel_version, argMax(steps, version) AS steps FROM tributary.store_configs FINAL GROUP BY store, funnel, funnel_version) AS s
    ON c.store = s.store AND c.funnel = s.funnel AND c.funnel_version = s.funnel_version
ARRAY JOIN arrayEnumerate(c.u) AS step
SETTINGS join_use_nulls = 0;

CREATE OR REPLACE VIEW bi.funnel_steps
(
    store LowCardinality(String) COMMENT 'store', funnel LowCardinality(String) COMMENT 'name of the funnel', funnel_version UInt16 COMMENT 'version of its definition',
    window_start DateTime('UTC') COMMENT 'start of the window of 15 minutes in which the units entered',
    channel String COMMENT 'channel of the entry', device String COMMENT 'device of the entry',
    step UInt8 COMMENT 'number of the step, from 1', action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step, implied ones too', implied Int64 COMMENT 'of these, units that jumped over it',
    entered Int64 COMMENT 'units of the same window and segment at step 1: the denominator',
    observed_value Int64 COMMENT 'value of the distinct orders of the units that reached the step, minor units',
    open_units Int64 COMMENT 'units that did the action of the step at all, in whatever order',
    final UInt8 COMMENT '1 if the window never changes again',
    incomplete UInt8 COMMENT '1 if records that belong here may be missing (bi.gaps)'
)
AS SELECT store, funnel, funnel_version, window_start, channel, device, step, action, units, implied, entered, observed_value, open_units, final, incomplete
FROM tributary.live_steps WHERE basis = 'entry' AND window_seconds = 900 AND entered != 0;

CREATE OR REPLACE VIEW bi.funnel_minutes
(
    store LowCardinality(String) COMMENT 'store', funnel LowCardinality(String) COMMENT 'name of the funnel', funnel_version UInt16 COMMENT 'version of its definition',
    window_start DateTime('UTC') COMMENT 'start of the minute in which the units entered; kept three days',
    channel String COMMENT 'channel of the entry', device String COMMENT 'device of the entry',
    step UInt8 COMMENT 'number of the step, from 1', action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step, implied ones too', implied Int64 COMMENT 'of these, units that jumped over it',
    entered Int64 COMMENT 'units of the same window and segment at step 1: the denominator',
    observed_value Int64 COMMENT 'value of the distinct orders of the units that reached the step, minor units',
    open_units Int64 COMMENT 'units that did the action of the step at all, in whatever order',
    final UInt8 COMMENT '1 if the window never changes again',
    incomplete UInt8 COMMENT '1 if records that belong here may be missing (bi.gaps)'
)
AS SELECT store, funnel, funnel_version, window_start, channel, device, step, action, units, implied, entered, observed_value, open_units, final, incomplete
FROM tributary.live_steps WHERE basis = 'entry' AND window_seconds = 60 AND entered != 0;

CREATE OR REPLACE VIEW bi.funnel_steps_by_occurrence
(
    store LowCardinality(String) COMMENT 'store', funnel LowCardinality(String) COMMENT 'name of the funnel', funnel_version UInt16 COMMENT 'version of its definition',
    window_start DateTime('UTC') COMMENT 'start of the window of 15 minutes in which the step happened',
    channel String COMMENT 'channel of the entry', device String COMMENT 'device of the entry',
    step UInt8 COMMENT 'number of the step, from 1', action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step in this window, whenever they entered: no denominator belongs to it', implied Int64 COMMENT 'of these, units that jumped over it',
    observed_value Int64 COMMENT 'value of the distinct orders of these units, minor units',
    final UInt8 COMMENT '1 if the window never changes again',
    incomplete UInt8 COMMENT '1 if records that belong here may be missing (bi.gaps)'
)
AS SELECT store, funnel, funnel_version, window_start, channel, device, step, action, units, implied, observed_value, final, incomplete
FROM tributary.live_steps WHERE basis = 'occurrence' AND window_seconds = 900 AND units != 0;

CREATE OR REPLACE VIEW bi.funnel_hourly
(
    store LowCardinality(String) COMMENT 'store', funnel LowCardinality(String) COMMENT 'name of the funnel', funnel_version UInt16 COMMENT 'version of its definition',
    hour DateTime('UTC') COMMENT 'start of the hour', channel String COMMENT 'channel of the entry', device String COMMENT 'device of the entry',
    step UInt8 COMMENT 'number of the step, from 1', action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step', implied Int64 COMMENT 'of these, units that jumped over it',
    entered Int64 COMMENT 'units at step 1: the denominator', rate Float64 COMMENT 'units / entered',
    observed_value Int64 COMMENT 'value of the distinct orders, minor units', final UInt8 COMMENT '1 if the hour never changes again',
    incomplete UInt8 COMMENT '1 if records that belong here may be missing (bi.gaps)'
)
AS SELECT f.store AS store, f.funnel AS funnel, f.funnel_version AS funnel_version, toStartOfHour(f.window_start, 'UTC') AS hour, f.channel AS channel, f.device AS device,
    f.step AS step, any(f.action) AS action, sum(f.units) AS units, sum(f.implied) AS implied, sum(f.entered) AS entered,
    units / entered AS rate, sum(f.observed_value) AS observed_value, min(f.final) AS final, max(f.incomplete) AS incomplete
FROM bi.funnel_steps AS f
GROUP BY store, funnel, funnel_version, hour, channel, device, step;

CREATE OR REPLACE VIEW bi.funnel_daily
(
    store LowCardinality(String) COMMENT 'store', funnel LowCardinality(String) COMMENT 'name of the funnel', funnel_version UInt16 COMMENT 'version of its definition',
    day Date COMMENT 'day in the time zone of the store', channel String COMMENT 'channel of the entry', device String COMMENT 'device of the entry',
    step UInt8 COMMENT 'number of the step, from 1', action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step', implied Int64 COMMENT 'of these, units that jumped over it',
    entered Int64 COMMENT 'units at step 1: the denominator', rate Float64 COMMENT 'units / entered',
    observed_value Int64 COMMENT 'value of the distinct orders, minor units', final UInt8 COMMENT '1 if the windows seen so far never change again',
    incomplete UInt8 COMMENT '1 if records that belong here may be missing (bi.gaps)'
)
AS SELECT f.store AS store, f.funnel AS funnel, f.funnel_version AS funnel_version,
    toDate(substring(toString(f.window_start, z.time_zone), 1, 10)) AS day,
    f.channel AS channel, f.device AS device,
    f.step AS step, any(f.action) AS action, sum(f.units) AS units, sum(f.implied) AS implied, sum(f.entered) AS entered,
    units / entered AS rate, sum(f.observed_value) AS observed_value, min(f.final) AS final, max(f.incomplete) AS incomplete
FROM bi.funnel_steps AS f
INNER JOIN (SELECT store, argMax(time_zone, version) AS time_zone FROM tributary.store_configs FINAL GROUP BY store) AS z ON f.store = z.store
GROUP BY store, funnel, funnel_version, day, channel, device, step;
