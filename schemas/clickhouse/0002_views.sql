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
    class LowCardinality(String) COMMENT 'human, bot or internal', switched UInt8 COMMENT '1 if it begins because the user switched',
    capped UInt8 COMMENT '1 if not all of its events were kept', tail_events UInt32 COMMENT 'events that only count',
    currency_unknown UInt8 COMMENT '1 if money of it is in a currency without a rate: counted, value excluded',
    final UInt8 COMMENT '1 if the session never changes again'
)
AS SELECT s.store AS store, lower(hex(s.session_id)) AS session_id, s.visitor AS visitor, s.user AS user, s.started_at AS started_at, s.ended_at AS ended_at,
    s.channel AS channel, s.source AS source, s.medium AS medium, s.campaign AS campaign, s.brand_search AS brand_search, s.device AS device, s.os AS os,
    s.browser AS browser, s.country AS country, s.landing_path AS landing_path, s.returning AS returning, s.events AS events, s.orders AS orders,
    s.value_minor AS value_minor, s.trail_action AS actions,
    multiIf(bitTest(s.flags, 2), 'internal', bitTest(s.flags, 1), 'bot', 'human') AS class, bitTest(s.flags, 3) AS switched,
    bitTest(s.flags, 0) AS capped, s.tail_events AS tail_events, bitTest(s.flags, 5) AS currency_unknown,
    ifNull(s.started_at < (SELECT max(final_through) FROM bi.completeness WHERE stage = 'sessions'), 0) AS final
FROM tributary.sessions AS s FINAL
WHERE s.deleted = 0 AND s.epoch = (SELECT argMax(epoch, live_from_day) FROM tributary.epochs FINAL);

CREATE OR REPLACE VIEW bi.orders
(
    store LowCardinality(String) COMMENT 'store', order_id String COMMENT 'order id; event: and an id where the shop sent none',
    source LowCardinality(String) COMMENT 'who told first of the most trusted: webhook, then server, then browser',
    ordered_at DateTime64(3, 'UTC') COMMENT 'time of the order', visitor String COMMENT 'first-party anonymous id, empty if none', user String COMMENT 'known user, empty if none',
    value_minor Int64 COMMENT 'money as sent, minor units', currency LowCardinality(String) COMMENT 'currency as sent',
    base_value_minor Int64 COMMENT 'value in the base currency of the store, minor units; 0 where there is no rate',
    currency_unknown UInt8 COMMENT '1 if there is no rate for the currency: counted, value excluded',
    refunded_minor Int64 COMMENT 'refunds in the base currency, minor units, at most the value', refunds UInt64 COMMENT 'refunds of the order',
    net_value_minor Int64 COMMENT 'value less refunds, minor units of the base currency',
    tellers UInt64 COMMENT 'sources that told of the order'
)
AS SELECT o.store AS store, o.order_id AS order_id, o.source AS source, o.ordered_at AS ordered_at, o.visitor AS visitor, o.user AS user,
    o.value_minor AS value_minor, o.currency AS currency, o.base_value_minor AS base_value_minor, o.currency_unknown AS currency_unknown,
    least(if(r.whole > 0, o.base_value_minor, r.base), o.base_value_minor) AS refunded_minor, r.n AS refunds,
    o.base_value_minor - refunded_minor AS net_value_minor, o.tellers AS tellers
FROM (
    SELECT store, order_id, win.1 AS source, win.2 AS ordered_at, win.3 AS visitor, win.4 AS user, win.5 AS value_minor, win.6 AS currency,
        win.7 AS base_value_minor, win.8 AS currency_unknown, tellers
    FROM (
        SELECT store, order_id, argMin(tuple(source, ordered_at, visitor, user, value_minor, currency, base_value_minor, currency_unknown),
            (multiIf(source = 'webhook', 0, source = 'server', 1, 2), ingest_ts, generation, partition, offset)) AS win, uniqExact(source) AS tellers
        FROM tributary.orders FINAL GROUP BY store, order_id
    )
) AS o
LEFT JOIN (
    SELECT store, order_id, sum(base_value_minor) AS base, sum(whole) AS whole, count() AS n
    FROM (SELECT store, order_id, event_id, argMin(base_value_minor, (ingest_ts, generation, partition)) AS base_value_minor,
        argMin(whole, (ingest_ts, generation, partition)) AS whole FROM tributary.refunds FINAL GROUP BY store, order_id, event_id)
    GROUP BY store, order_id
) AS r ON o.store = r.store AND o.order_id = r.order_id
SETTINGS join_use_nulls = 0;

CREATE OR REPLACE VIEW bi.intake
(
    store LowCardinality(String) COMMENT 'store', ingest_hour DateTime('UTC') COMMENT 'start of the hour in which ingest took the records',
    records Int64 COMMENT 'records in the log', unique_events Int64 COMMENT 'of these, the first of their id', duplicate Int64 COMMENT 'repeats of an id with the same payload',
    id_reused Int64 COMMENT 'repeats of an id with another payload: see dead_letters', late Int64 COMMENT 'records, of whatever kind, that came after their window was final'
)
AS SELECT store, ingest_hour, sum(records) AS records, sum(unique_events) AS unique_events, sum(duplicate) AS duplicate, sum(id_reused) AS id_reused, sum(late) AS late
FROM tributary.intake FINAL GROUP BY store, ingest_hour;

CREATE OR REPLACE VIEW bi.late_events
(
    store LowCardinality(String) COMMENT 'store', event_id String COMMENT 'id of the event, 32 hex digits', visitor String COMMENT 'first-party anonymous id',
    action LowCardinality(String) COMMENT 'canonical action', event_ts DateTime64(3, 'UTC') COMMENT 'time of the event', ingest_ts DateTime64(3, 'UTC') COMMENT 'time at which ingest took it',
    floor DateTime64(3, 'UTC') COMMENT 'time before which everything was final when it came'
)
AS SELECT store, lower(hex(event_id)) AS event_id, visitor, action, event_ts, ingest_ts, floor FROM tributary.late_events FINAL;

CREATE OR REPLACE VIEW bi.dead_letters
(
    store LowCardinality(String) COMMENT 'store, empty if not even that could be read', ingest_ts DateTime64(3, 'UTC') COMMENT 'time at which ingest took it',
    reason LowCardinality(String) COMMENT 'why it was not taken', path String COMMENT 'where in the payload', rule String COMMENT 'the rule that it broke',
    topic LowCardinality(String) COMMENT 'topic that it stands in, or that a stage found it in', partition UInt16 COMMENT 'partition there', offset Int64 COMMENT 'offset there',
    protocol LowCardinality(String) COMMENT 'protocol that it came in by', original String COMMENT 'the bytes as they came'
)
AS SELECT store, ingest_ts, reason, path, rule, topic, partition, offset, protocol, original FROM tributary.dead_letters FINAL;
