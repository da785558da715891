-- Databases, facts and cells. One statement ends at a semicolon at the end of a line.
CREATE DATABASE IF NOT EXISTS tributary;

CREATE DATABASE IF NOT EXISTS bi;

CREATE DATABASE IF NOT EXISTS api;

CREATE TABLE IF NOT EXISTS tributary.events
(
    store LowCardinality(String), visitor String, event_id FixedString(16), version UInt64,
    generation UInt8, partition UInt16, offset Int64, ingest_ts DateTime64(3, 'UTC'), event_ts DateTime64(3, 'UTC'),
    original_ts DateTime64(3, 'UTC'), sent_ts DateTime64(3, 'UTC'), sequence UInt32, late UInt8, flags UInt32, user String,
    action LowCardinality(String), interactive UInt8, message_id String, url String, path String, title String, referrer String,
    channel LowCardinality(String), source String, medium String, campaign String, term String, content String,
    brand_search LowCardinality(String), click_id_kind LowCardinality(String), click_id String,
    device LowCardinality(String), os LowCardinality(String), browser LowCardinality(String), country LowCardinality(String),
    product String, quantity Float64, value_minor Int64, currency LowCardinality(String), order_id String,
    cart_token String, checkout_token String, payload_hash UInt64, properties String,
    protocol LowCardinality(String), origin LowCardinality(String)
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toDate(ingest_ts, 'UTC')
ORDER BY (store, visitor, event_id);

CREATE TABLE IF NOT EXISTS tributary.sessions
(
    epoch UInt16, store LowCardinality(String), created_day Date, session_id FixedString(16), version UInt64,
    generation UInt8, partition UInt16, deleted UInt8, visitor String, user String,
    started_at DateTime64(3, 'UTC'), ended_at DateTime64(3, 'UTC'),
    channel LowCardinality(String), source String, medium String, campaign String, term String, content String,
    brand_search LowCardinality(String), device LowCardinality(String), os LowCardinality(String), browser LowCardinality(String),
    country LowCardinality(String), landing_path String, returning UInt8, events UInt32, tail_events UInt32, events_hash UInt64, flags UInt32,
    trail_action Array(LowCardinality(String)), trail_ts Array(DateTime64(3, 'UTC')), trail_value_minor Array(Int64),
    trail_product Array(String), trail_order_id Array(String), value_minor Int64, orders UInt32
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY created_day
ORDER BY (epoch, store, created_day, session_id);

CREATE TABLE IF NOT EXISTS tributary.funnel_cells
(
    epoch UInt16, store LowCardinality(String), stage LowCardinality(String), funnel LowCardinality(String), funnel_version UInt16,
    basis LowCardinality(String), window_seconds UInt32, window_start DateTime('UTC'), breakdown LowCardinality(String),
    values Array(String), class LowCardinality(String), generation UInt8, partition UInt16, version UInt64,
    units Array(Int64), implied Array(Int64), observed_value Array(Int64), open_units Array(Int64),
    time_to_step Array(Map(Int16, Int64))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY (toDate(window_start, 'UTC'), window_seconds)
ORDER BY (epoch, store, stage, funnel, funnel_version, basis, window_seconds, window_start, breakdown, values, class, generation, partition);

CREATE TABLE IF NOT EXISTS tributary.intake
(
    store LowCardinality(String), ingest_hour DateTime('UTC'), generation UInt8, partition UInt16, version UInt64,
    records Int64, unique_events Int64, duplicate Int64, late Int64, id_reused Int64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toDate(ingest_hour, 'UTC')
ORDER BY (store, ingest_hour, generation, partition);

CREATE TABLE IF NOT EXISTS tributary.orders
(
    store LowCardinality(String), order_id String, source LowCardinality(String), generation UInt8, partition UInt16, version UInt64,
    ingest_ts DateTime64(3, 'UTC'), offset Int64, ordered_at DateTime64(3, 'UTC'), visitor String, user String,
    value_minor Int64, currency LowCardinality(String), base_value_minor Int64, currency_unknown UInt8
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY tuple()
ORDER BY (store, order_id, source, generation, partition);

CREATE TABLE IF NOT EXISTS tributary.refunds
(
    store LowCardinality(String), order_id String, event_id FixedString(16), generation UInt8, partition UInt16, version UInt64,
    ingest_ts DateTime64(3, 'UTC'), refunded_at DateTime64(3, 'UTC'), value_minor Int64, currency LowCardinality(String),
    base_value_minor Int64, whole UInt8, currency_unknown UInt8
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY tuple()
ORDER BY (store, order_id, event_id, generation, partition);

CREATE TABLE IF NOT EXISTS tributary.late_events
(
    store LowCardinality(String), visitor String, event_id FixedString(16), version UInt64, generation UInt8, partition UInt16, offset Int64,
    ingest_ts DateTime64(3, 'UTC'), event_ts DateTime64(3, 'UTC'), floor DateTime64(3, 'UTC'), action LowCardinality(String)
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toDate(ingest_ts, 'UTC')
ORDER BY (store, visitor, event_id);

CREATE TABLE IF NOT EXISTS tributary.dead_letters
(
    store LowCardinality(String), topic LowCardinality(String), partition UInt16, offset Int64, version UInt64, ingest_ts DateTime64(3, 'UTC'),
    reason LowCardinality(String), path String, rule String, text String, protocol LowCardinality(String), original String
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY tuple()
ORDER BY (store, topic, partition, offset);

CREATE TABLE IF NOT EXISTS tributary.progress
(
    epoch UInt16, stage LowCardinality(String), generation UInt8, partition UInt16, version UInt64,
    watermark DateTime64(3, 'UTC'), final DateTime64(3, 'UTC'), offset Int64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (epoch, stage, generation, partition);

CREATE TABLE IF NOT EXISTS tributary.epochs
(
    epoch UInt16, live_from_day Date
)
ENGINE = ReplacingMergeTree
ORDER BY (live_from_day);

CREATE TABLE IF NOT EXISTS tributary.generations
(
    generation UInt8, partitions UInt16, closed_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(closed_at)
ORDER BY (generation);

CREATE TABLE IF NOT EXISTS tributary.store_configs
(
    store LowCardinality(String), config_id String, effective_from DateTime64(3, 'UTC'), version UInt64, time_zone String, currency LowCardinality(String), file String,
    funnel LowCardinality(String), funnel_version UInt16, steps Array(String)
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (store, config_id, funnel);
