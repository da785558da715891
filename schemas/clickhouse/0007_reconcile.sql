-- What recounts found: one row per run and check, and the first differences of each.
CREATE TABLE IF NOT EXISTS tributary.reconciliations
(
    at DateTime64(3, 'UTC'), check LowCardinality(String), from_ts DateTime64(3, 'UTC'), to_ts DateTime64(3, 'UTC'), compared Int64, differences Int64, seconds Float64
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (at, check);

CREATE TABLE IF NOT EXISTS tributary.reconcile_findings
(
    at DateTime64(3, 'UTC'), check LowCardinality(String), number UInt32, store LowCardinality(String), window DateTime64(3, 'UTC'), key String, stored String, recounted String
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (at, check, number);

CREATE OR REPLACE VIEW bi.reconciliations
(
    at DateTime64(3, 'UTC') COMMENT 'when the recount was made',
    check LowCardinality(String) COMMENT 'intake: records from events; sessions: sessions from events; cells: cells from sessions',
    from_ts DateTime64(3, 'UTC') COMMENT 'start of the time that was recounted', to_ts DateTime64(3, 'UTC') COMMENT 'end of the time that was recounted; what is not final is left out',
    compared Int64 COMMENT 'hours and partitions, runs of events, or cells that were compared', differences Int64 COMMENT 'of these, how many differ: 0 unless something is wrong',
    seconds Float64 COMMENT 'how long it took'
)
AS SELECT at, check, from_ts, to_ts, compared, differences, seconds FROM tributary.reconciliations FINAL;

CREATE OR REPLACE VIEW bi.reconcile_findings
(
    at DateTime64(3, 'UTC') COMMENT 'recount that found it', check LowCardinality(String) COMMENT 'intake, sessions or cells', store LowCardinality(String) COMMENT 'store',
    window DateTime64(3, 'UTC') COMMENT 'hour of arrival, start of the run of events, or start of the window', key String COMMENT 'which partition, session or cell, and which number of it',
    stored String COMMENT 'what is stored', recounted String COMMENT 'what it should be'
)
AS SELECT at, check, store, window, key, stored, recounted FROM tributary.reconcile_findings FINAL;
