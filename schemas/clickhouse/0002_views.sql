-- Views of the live epoch. Columns are stable; each has a comment. A scalar subquery is Nullable even where it always has a
-- row, and toDate takes no time zone from a column, which explains two odd expressions below.
CREATE OR REPLACE VIEW bi.completeness
(
    stage LowCardinality(String) COMMENT 'sessions or events: the kind of rows that this line speaks of',
    processed_through DateTime64(3, 'UTC') COMMENT 'every partition has been processed up to this ingest time',
    final_through DateTime64(3, 'UTC') COMMENT 'windows that end here or earlier never change again',
    partitions UInt64 COMMENT 'partitions that have reported',
    partitions_expected UInt64 COMMENT 'partitions of all open generations'
)
AS SELECT p.stage AS stage,
    if(partitions < partitions_expected, toDateTime64(0, 3, 'UTC'), min(p.watermark)) AS processed_through,
    if(partitions < partitions_expected, toDateTime64(0, 3, 'UTC'), min(p.final)) AS final_through,
    count() AS partitions,
    (SELECT toUInt64(sum(g.partitions)) FROM tributary.generations AS g FINAL WHERE g.closed_at = toDateTime64(0, 3, 'UTC')) AS partitions_expected
FROM tributary.progress AS p FINAL
WHERE p.epoch = (SELECT argMax(epoch, live_from_day) FROM tributary.epochs FINAL)
    AND p.generation IN (SELECT generation FROM tributary.generations FINAL WHERE closed_at = toDateTime64(0, 3, 'UTC'))
GROUP BY p.stage;

CREATE OR REPLACE VIEW bi.events
(
    store LowCardinality(String) COMMENT 'store that the event belongs to',
    event_id String COMMENT 'id of the event, 32 hex digits',
    message_id String COMMENT 'id as the client sent it',
    visitor String COMMENT 'first-party anonymous id',
    user String COMMENT 'known user, empty if none',
    action LowCardinality(String) COMMENT 'canonical action, or the name of the store',
    event_ts DateTime64(3, 'UTC') COMMENT 'time of the event, corrected for clock skew',
    ingest_ts DateTime64(3, 'UTC') COMMENT 'time at which ingest took the event',
    late UInt8 COMMENT '1 if it came after its window was final: it is in no session',
    interactive UInt8 COMMENT '1 if the action opens and extends sessions',
    channel LowCardinality(String) COMMENT 'channel that the event would open a session with',
    source String COMMENT 'traffic source', medium String COMMENT 'traffic medium', campaign String COMMENT 'campaign name',
    device LowCardinality(String) COMMENT 'desktop, mobile, tablet or other', os LowCardinality(String) COMMENT 'operating system',
    browser LowCardinality(String) COMMENT 'browser', country LowCardinality(String) COMMENT 'country code, empty if unknown',
    url String COMMENT 'page address', referrer String COMMENT 'referring address', product String COMMENT 'product id or SKU',
    value_minor Int64 COMMENT 'money as sent, minor units', currency LowCardinality(String) COMMENT 'currency as sent',
    order_id String COMMENT 'order id', properties String COMMENT 'properties as sent, JSON'
)
AS SELECT store, lower(hex(event_id)) AS event_id, message_id, visitor, user, action, event_ts, ingest_ts, late, interactive,
    channel, source, medium, campaign, device, os, browser, country, url, referrer, product, value_minor, currency, order_id, properties
FROM tributary.events FINAL;

CREATE OR REPLACE VIEW bi.sessions
(
    store LowCardinality(String) COMMENT 'store that the session belongs to',
    session_id String COMMENT 'id of the session, 32 hex digits',
    visitor String COMMENT 'first-party anonymous id',
    user String COMMENT 'known user, empty if none',
    started_at DateTime64(3, 'UTC') COMMENT 'time of the first event',
    ended_at DateTime64(3, 'UTC') COMMENT 'time of the last event',
    channel LowCardinality(String) COMMENT 'channel of the first event', source String COMMENT 'traffic source', medium String COMMENT 'traffic medium',
    campaign String COMMENT 'campaign name', brand_search LowCardinality(String) COMMENT 'yes or no for Paid Search, else empty',
    device LowCardinality(String) COMMENT 'desktop, mobile, tablet or other', os LowCardinality(String) COMMENT 'operating system',
    browser LowCardinality(String) COMMENT 'browser', country LowCardinality(String) COMMENT 'country code, empty if unknown',
    landing_path String COMMENT 'path of the first page', returning UInt8 COMMENT '1 if the visitor had a session that ended at most 30 days before',
    events UInt32 COMMENT 'interactive events', orders UInt32 COMMENT 'distinct orders', value_minor Int64 COMMENT 'value of the distinct orders, minor units of the base currency',
    actions Array(LowCardinality(String)) COMMENT 'the micro-conversions in order',
    final UInt8 COMMENT '1 if the session never changes again'
)
AS SELECT s.store AS store, lower(hex(s.session_id)) AS session_id, s.visitor AS visitor, s.user AS user, s.started_at AS started_at, s.ended_at AS ended_at,
    s.channel AS channel, s.source AS source, s.medium AS medium, s.campaign AS campaign, s.brand_search AS brand_search, s.device AS device, s.os AS os,
    s.browser AS browser, s.country AS country, s.landing_path AS landing_path, s.returning AS returning, s.events AS events, s.orders AS orders,
    s.value_minor AS value_minor, s.trail_action AS actions,
    ifNull(s.started_at < (SELECT max(final_through) FROM bi.completeness WHERE stage = 'sessions'), 0) AS final
FROM tributary.sessions AS s FINAL
WHERE s.deleted = 0 AND s.epoch = (SELECT argMax(epoch, live_from_day) FROM tributary.epochs FINAL);

CREATE OR REPLACE VIEW bi.funnel_steps
(
    store LowCardinality(String) COMMENT 'store', funnel LowCardinality(String) COMMENT 'name of the funnel', funnel_version UInt16 COMMENT 'version of its definition',
    basis LowCardinality(String) COMMENT 'entry: units are counted in the window of their first step',
    window_start DateTime('UTC') COMMENT 'start of the window of 15 minutes',
    channel String COMMENT 'channel of the entry', device String COMMENT 'device of the entry',
    step UInt8 COMMENT 'number of the step, from 1', action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step, implied ones too', implied Int64 COMMENT 'of these, units that jumped over it',
    entered Int64 COMMENT 'units of the same window and segment at step 1: the denominator',
    observed_value Int64 COMMENT 'value of the distinct orders of the units that reached the step, minor units',
    final UInt8 COMMENT '1 if the window never changes again'
)
AS SELECT c.store AS store, c.funnel AS funnel, c.funnel_version AS funnel_version, c.basis AS basis, c.window_start AS window_start,
    c.v[1] AS channel, c.v[2] AS device, toUInt8(step) AS step, s.steps[step] AS action,
    c.u[step] AS units, c.i[step] AS implied, c.u[1] AS entered, c.o[step] AS observed_value,
    ifNull(c.window_start + INTERVAL 15 MINUTE <= (SELECT max(final_through) FROM bi.completeness WHERE stage = 'sessions'), 0) AS final
FROM (
    SELECT store, funnel, funnel_version, basis, window_start, values AS v,
        sumForEach(units) AS u, sumForEach(implied) AS i, sumForEach(observed_value) AS o
    FROM tributary.funnel_cells FINAL
    WHERE stage = 'visitor' AND window_seconds = 900 AND breakdown = 'channel,device' AND class = 'human'
        AND epoch = (SELECT argMax(epoch, live_from_day) FROM tributary.epochs FINAL)
    GROUP BY store, funnel, funnel_version, basis, window_start, values
) AS c
LEFT JOIN (SELECT store, funnel, funnel_version, argMax(steps, version) AS steps FROM tributary.store_configs FINAL GROUP BY store, funnel, funnel_version) AS s
    ON c.store = s.store AND c.funnel = s.funnel AND c.funnel_version = s.funnel_version
ARRAY JOIN arrayEnumerate(c.u) AS step
WHERE c.u[1] != 0
SETTINGS join_use_nulls = 0;

CREATE OR REPLACE VIEW bi.funnel_hourly
(
    store LowCardinality(String) COMMENT 'store', funnel LowCardinality(String) COMMENT 'name of the funnel', funnel_version UInt16 COMMENT 'version of its definition',
    hour DateTime('UTC') COMMENT 'start of the hour', channel String COMMENT 'channel of the entry', device String COMMENT 'device of the entry',
    step UInt8 COMMENT 'number of the step, from 1', action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step', implied Int64 COMMENT 'of these, units that jumped over it',
    entered Int64 COMMENT 'units at step 1: the denominator', rate Float64 COMMENT 'units / entered',
    observed_value Int64 COMMENT 'value of the distinct orders, minor units', final UInt8 COMMENT '1 if the hour never changes again'
)
AS SELECT f.store AS store, f.funnel AS funnel, f.funnel_version AS funnel_version, toStartOfHour(f.window_start, 'UTC') AS hour, f.channel AS channel, f.device AS device,
    f.step AS step, any(f.action) AS action, sum(f.units) AS units, sum(f.implied) AS implied, sum(f.entered) AS entered,
    units / entered AS rate, sum(f.observed_value) AS observed_value, min(f.final) AS final
FROM bi.funnel_steps AS f WHERE f.basis = 'entry'
GROUP BY store, funnel, funnel_version, hour, channel, device, step;

CREATE OR REPLACE VIEW bi.funnel_daily
(
    store LowCardinality(String) COMMENT 'store', funnel LowCardinality(String) COMMENT 'name of the funnel', funnel_version UInt16 COMMENT 'version of its definition',
    day Date COMMENT 'day in the time zone of the store', channel String COMMENT 'channel of the entry', device String COMMENT 'device of the entry',
    step UInt8 COMMENT 'number of the step, from 1', action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step', implied Int64 COMMENT 'of these, units that jumped over it',
    entered Int64 COMMENT 'units at step 1: the denominator', rate Float64 COMMENT 'units / entered',
    observed_value Int64 COMMENT 'value of the distinct orders, minor units', final UInt8 COMMENT '1 if the windows seen so far never change again'
)
AS SELECT f.store AS store, f.funnel AS funnel, f.funnel_version AS funnel_version,
    toDate(substring(toString(f.window_start, z.time_zone), 1, 10)) AS day,
    f.channel AS channel, f.device AS device,
    f.step AS step, any(f.action) AS action, sum(f.units) AS units, sum(f.implied) AS implied, sum(f.entered) AS entered,
    units / entered AS rate, sum(f.observed_value) AS observed_value, min(f.final) AS final
FROM bi.funnel_steps AS f
INNER JOIN (SELECT store, argMax(time_zone, version) AS time_zone FROM tributary.store_configs FINAL GROUP BY store) AS z ON f.store = z.store
WHERE f.basis = 'entry'
GROUP BY store, funnel, funnel_version, day, channel, device, step;
