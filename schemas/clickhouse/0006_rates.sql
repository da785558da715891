-- Rates that can be trusted: every one as numerator, denominator, rate, Wilson bounds of 95 % and maturity. A rate of fewer than 200 units is
-- NULL and insufficient, never 0. With x of n and z = 1.96 the bounds are (x + z²/2 ± z·√(x(n − x)/n + z²/4)) / (n + z²).
ALTER TABLE tributary.store_configs ADD COLUMN IF NOT EXISTS breakdowns Array(String);

-- What tributary backfill has counted of a funnel's version before the version came into force: whole days, complete when done.
CREATE TABLE IF NOT EXISTS tributary.backfills
(
    epoch UInt16, store LowCardinality(String), funnel LowCardinality(String), funnel_version UInt16,
    from_ts DateTime('UTC'), to_ts DateTime('UTC'), done_through DateTime('UTC'), complete UInt8, version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (epoch, store, funnel, funnel_version);

-- One row per breakdown of each version of each funnel. pair: the one to read channel and device from, whole: the one to read all units from.
CREATE OR REPLACE VIEW tributary.breakdowns
AS SELECT store, funnel, funnel_version, steps, breakdown, splitByChar(',', breakdown) AS dims,
    toUInt8(breakdown = arrayFilter(b -> hasAll(splitByChar(',', b), ['channel', 'device']), shortest)[1]) AS pair,
    toUInt8(breakdown = shortest[1]) AS whole
FROM (
    SELECT store, funnel, funnel_version, argMax(steps, version) AS steps, argMax(breakdowns, version) AS given,
        arraySort(b -> (length(splitByChar(',', b)), b), if(empty(given), ['channel,device'], given)) AS shortest
    FROM tributary.store_configs FINAL GROUP BY store, funnel, funnel_version
)
ARRAY JOIN shortest AS breakdown;

-- Cells of the live epoch by step. A bucket that a complete backfill covers is shown in its version only, so that none counts twice.
CREATE OR REPLACE VIEW tributary.live_cells
AS SELECT c.store AS store, c.funnel AS funnel, c.funnel_version AS funnel_version, c.basis AS basis, c.window_seconds AS window_seconds,
    c.window_start AS window_start, c.class AS class, c.breakdown AS breakdown, s.dims AS dims, s.steps AS steps, c.v AS values, s.pair AS pair, s.whole AS whole,
    c.v[indexOf(s.dims, 'channel')] AS channel, c.v[indexOf(s.dims, 'device')] AS device, c.u AS u, c.i AS i, c.o AS o, c.p AS p,
    ifNull(c.window_start + toIntervalSecond(c.window_seconds) <= (SELECT max(final_through) FROM bi.completeness WHERE stage = 'sessions'), 0) AS final,
    toUInt8(arrayExists(g -> c.window_start <= g.2 AND c.window_start + toIntervalSecond(c.window_seconds) > g.1,
        (SELECT groupArray((from_ts, to_ts)) FROM bi.gaps WHERE stage IN ('visitor', 'sessions')))) AS incomplete
FROM (
    SELECT store, funnel, funnel_version, basis, window_seconds, window_start, breakdown, values AS v, class,
        sumForEach(units) AS u, sumForEach(implied) AS i, sumForEach(observed_value) AS o, sumForEach(open_units) AS p,
        arrayMax(arrayPushBack(arrayMap(b -> if(b.1 = store AND b.2 = funnel AND window_start >= b.4 AND window_start < b.5, b.3, 0),
            (SELECT groupArray((store, funnel, funnel_version, from_ts, to_ts)) FROM tributary.backfills FINAL
             WHERE complete = 1 AND epoch = (SELECT argMax(epoch, live_from_day) FROM tributary.epochs FINAL))), 0)) AS filled
    FROM tributary.funnel_cells FINAL
    WHERE (stage = 'visitor' OR stage = 'backfill') AND epoch = (SELECT argMax(epoch, live_from_day) FROM tributary.epochs FINAL)
    GROUP BY store, funnel, funnel_version, stage, basis, window_seconds, window_start, breakdown, values, class
    HAVING if(stage = 'visitor', basis = 'occurrence' OR funnel_version >= filled, basis = 'entry' AND funnel_version = filled)
) AS c
INNER JOIN tributary.breakdowns AS s
    ON c.store = s.store AND c.funnel = s.funnel AND c.funnel_version = s.funnel_version AND c.breakdown = s.breakdown
SETTINGS join_use_nulls = 0;

CREATE OR REPLACE VIEW tributary.live_steps
AS SELECT store, funnel, funnel_version, basis, window_seconds, window_start, class, breakdown, dims, values, pair, whole, channel, device, toUInt8(step) AS step,
    steps[step] AS action, u[step] AS units, i[step] AS implied, u[1] AS entered, u[greatest(step - 1, 1)] AS before, o[step] AS observed_value, p[step] AS open_units, final, incomplete
FROM tributary.live_cells
ARRAY JOIN arrayEnumerate(u) AS step;

CREATE OR REPLACE VIEW bi.funnel_steps
(
    store LowCardinality(String) COMMENT 'store',
    funnel LowCardinality(String) COMMENT 'name of the funnel',
    funnel_version UInt16 COMMENT 'version of its definition',
    window_start DateTime('UTC') COMMENT 'start of the window of 15 minutes in which the units entered',
    channel String COMMENT 'channel of the entry',
    device String COMMENT 'device of the entry',
    step UInt8 COMMENT 'number of the step, from 1',
    action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step, implied ones too: the numerator',
    implied Int64 COMMENT 'of these, units that jumped over it',
    entered Int64 COMMENT 'the same units at step 1: the denominator of rate',
    rate Nullable(Float64) COMMENT 'units / entered; NULL under 200 units',
    low Nullable(Float64) COMMENT 'lower Wilson bound of rate, 95 %',
    high Nullable(Float64) COMMENT 'upper Wilson bound of rate, 95 %',
    before Int64 COMMENT 'the same units at the step before: the denominator of step_rate',
    step_rate Nullable(Float64) COMMENT 'units / before; NULL under 200 units',
    step_low Nullable(Float64) COMMENT 'lower Wilson bound of step_rate, 95 %',
    step_high Nullable(Float64) COMMENT 'upper Wilson bound of step_rate, 95 %',
    observed_value Int64 COMMENT 'value of the distinct orders of the units that reached the step, minor units',
    open_units Int64 COMMENT 'units that did the action of the step at all, in whatever order',
    final UInt8 COMMENT '1 if these numbers never change again',
    incomplete UInt8 COMMENT '1 if records that belong here may be missing (bi.gaps)',
    maturity LowCardinality(String) COMMENT 'final; immature: the numbers may still change; insufficient: too few units for a rate'
)
AS SELECT store, funnel, funnel_version, window_start, channel, device, step, action, units, implied, entered,
    if(entered < 200, NULL, units / entered) AS rate,
    if(entered < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS low,
    if(entered < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS high,
    before,
    if(before < 200, NULL, units / before) AS step_rate,
    if(before < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_low,
    if(before < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_high,
    observed_value, open_units, final, incomplete, multiIf(entered < 200, 'insufficient', final, 'final', 'immature') AS maturity
FROM (
    SELECT store, funnel, funnel_version, window_start, channel, device, step, any(action) AS action, sum(units) AS units, sum(implied) AS implied,
        sum(entered) AS entered, sum(before) AS before, sum(observed_value) AS observed_value, sum(open_units) AS open_units, min(final) AS final, max(incomplete) AS incomplete
    FROM tributary.live_steps WHERE basis = 'entry' AND window_seconds = 900 AND class = 'human' AND pair
    GROUP BY store, funnel, funnel_version, window_start, channel, device, step
)
WHERE entered != 0;

CREATE OR REPLACE VIEW bi.funnel_minutes
(
    store LowCardinality(String) COMMENT 'store',
    funnel LowCardinality(String) COMMENT 'name of the funnel',
    funnel_version UInt16 COMMENT 'version of its definition',
    window_start DateTime('UTC') COMMENT 'start of the minute in which the units entered; kept three days',
    channel String COMMENT 'channel of the entry',
    device String COMMENT 'device of the entry',
    step UInt8 COMMENT 'number of the step, from 1',
    action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step, implied ones too: the numerator',
    implied Int64 COMMENT 'of these, units that jumped over it',
    entered Int64 COMMENT 'the same units at step 1: the denominator of rate',
    rate Nullable(Float64) COMMENT 'units / entered; NULL under 200 units',
    low Nullable(Float64) COMMENT 'lower Wilson bound of rate, 95 %',
    high Nullable(Float64) COMMENT 'upper Wilson bound of rate, 95 %',
    before Int64 COMMENT 'the same units at the step before: the denominator of step_rate',
    step_rate Nullable(Float64) COMMENT 'units / before; NULL under 200 units',
    step_low Nullable(Float64) COMMENT 'lower Wilson bound of step_rate, 95 %',
    step_high Nullable(Float64) COMMENT 'upper Wilson bound of step_rate, 95 %',
    observed_value Int64 COMMENT 'value of the distinct orders of the units that reached the step, minor units',
    open_units Int64 COMMENT 'units that did the action of the step at all, in whatever order',
    final UInt8 COMMENT '1 if these numbers never change again',
    incomplete UInt8 COMMENT '1 if records that belong here may be missing (bi.gaps)',
    maturity LowCardinality(String) COMMENT 'final; immature: the numbers may still change; insufficient: too few units for a rate'
)
AS SELECT store, funnel, funnel_version, window_start, channel, device, step, action, units, implied, entered,
    if(entered < 200, NULL, units / entered) AS rate,
    if(entered < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS low,
    if(entered < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS high,
    before,
    if(before < 200, NULL, units / before) AS step_rate,
    if(before < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_low,
    if(before < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_high,
    observed_value, open_units, final, incomplete, multiIf(entered < 200, 'insufficient', final, 'final', 'immature') AS maturity
FROM (
    SELECT store, funnel, funnel_version, window_start, channel, device, step, any(action) AS action, sum(units) AS units, sum(implied) AS implied,
        sum(entered) AS entered, sum(before) AS before, sum(observed_value) AS observed_value, sum(open_units) AS open_units, min(final) AS final, max(incomplete) AS incomplete
    FROM tributary.live_steps WHERE basis = 'entry' AND window_seconds = 60 AND class = 'human' AND pair
    GROUP BY store, funnel, funnel_version, window_start, channel, device, step
)
WHERE entered != 0;

CREATE OR REPLACE VIEW bi.funnel_steps_by_occurrence
(
    store LowCardinality(String) COMMENT 'store',
    funnel LowCardinality(String) COMMENT 'name of the funnel',
    funnel_version UInt16 COMMENT 'version of its definition',
    window_start DateTime('UTC') COMMENT 'start of the window of 15 minutes in which the step happened',
    channel String COMMENT 'channel of the entry',
    device String COMMENT 'device of the entry',
    step UInt8 COMMENT 'number of the step, from 1',
    action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step in this window, whenever they entered: no denominator belongs to it',
    implied Int64 COMMENT 'of these, units that jumped over it',
    observed_value Int64 COMMENT 'value of the distinct orders of these units, minor units',
    final UInt8 COMMENT '1 if these numbers never change again',
    incomplete UInt8 COMMENT '1 if records that belong here may be missing (bi.gaps)'
)
AS SELECT store, funnel, funnel_version, window_start, channel, device, step, any(action) AS action, sum(units) AS units, sum(implied) AS implied,
    sum(observed_value) AS observed_value, min(final) AS final, max(incomplete) AS incomplete
FROM tributary.live_steps WHERE basis = 'occurrence' AND window_seconds = 900 AND class = 'human' AND pair
GROUP BY store, funnel, funnel_version, window_start, channel, device, step
HAVING units != 0;

-- Local times: a store's zone is a column, which ClickHouse's functions of dates do not take, so days are read off the local time's text.
CREATE OR REPLACE VIEW tributary.zones
AS SELECT store, argMax(time_zone, version) AS time_zone, argMax(currency, version) AS currency,
    toDate(substring(toString(ifNull((SELECT max(final_through) FROM bi.completeness WHERE stage = 'sessions'), toDateTime64(0, 3, 'UTC')), time_zone), 1, 10)) AS final_day
FROM tributary.store_configs FINAL GROUP BY store;

CREATE OR REPLACE VIEW tributary.local_cells
AS SELECT f.store AS store, f.funnel AS funnel, f.funnel_version AS funnel_version,
    f.window_start - toIntervalMinute(toUInt8(substring(toString(f.window_start, z.time_zone) AS local, 15, 2))) AS hour,
    toDate(substring(local, 1, 10)) AS day, z.final_day AS final_day,
    f.class AS class, f.breakdown AS breakdown, f.values AS values, f.pair AS pair, f.whole AS whole, f.channel AS channel, f.device AS device,
    f.steps AS steps, f.u AS u, f.i AS i, f.o AS o, f.p AS p, f.final AS final, f.incomplete AS incomplete
FROM tributary.live_cells AS f
INNER JOIN tributary.zones AS z ON f.store = z.store
WHERE f.basis = 'entry' AND f.window_seconds = 900;

CREATE OR REPLACE VIEW bi.funnel_hourly
(
    store LowCardinality(String) COMMENT 'store',
    funnel LowCardinality(String) COMMENT 'name of the funnel',
    funnel_version UInt16 COMMENT 'version of its definition',
    hour DateTime('UTC') COMMENT 'start of the hour in the time zone of the store, in which the units entered',
    channel String COMMENT 'channel of the entry',
    device String COMMENT 'device of the entry',
    step UInt8 COMMENT 'number of the step, from 1',
    action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step, implied ones too: the numerator',
    implied Int64 COMMENT 'of these, units that jumped over it',
    entered Int64 COMMENT 'the same units at step 1: the denominator of rate',
    rate Nullable(Float64) COMMENT 'units / entered; NULL under 200 units',
    low Nullable(Float64) COMMENT 'lower Wilson bound of rate, 95 %',
    high Nullable(Float64) COMMENT 'upper Wilson bound of rate, 95 %',
    before Int64 COMMENT 'the same units at the step before: the denominator of step_rate',
    step_rate Nullable(Float64) COMMENT 'units / before; NULL under 200 units',
    step_low Nullable(Float64) COMMENT 'lower Wilson bound of step_rate, 95 %',
    step_high Nullable(Float64) COMMENT 'upper Wilson bound of step_rate, 95 %',
    observed_value Int64 COMMENT 'value of the distinct orders of the units that reached the step, minor units',
    open_units Int64 COMMENT 'units that did the action of the step at all, in whatever order',
    final UInt8 COMMENT '1 if these numbers never change again',
    incomplete UInt8 COMMENT '1 if records that belong here may be missing (bi.gaps)',
    maturity LowCardinality(String) COMMENT 'final; immature: the numbers may still change; insufficient: too few units for a rate'
)
AS SELECT store, funnel, funnel_version, hour, channel, device, step, action, units, implied, entered,
    if(entered < 200, NULL, units / entered) AS rate,
    if(entered < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS low,
    if(entered < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS high,
    before,
    if(before < 200, NULL, units / before) AS step_rate,
    if(before < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_low,
    if(before < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_high,
    observed_value, open_units, final, incomplete, multiIf(entered < 200, 'insufficient', final, 'final', 'immature') AS maturity
FROM (
    SELECT store, funnel, funnel_version, hour, channel, device, toUInt8(at) AS step, names[at] AS action, us[at] AS units, im[at] AS implied,
        us[1] AS entered, us[greatest(at - 1, 1)] AS before, ov[at] AS observed_value, op[at] AS open_units, final, incomplete
    FROM (
        SELECT store, funnel, funnel_version, hour, channel, device, any(steps) AS names, sumForEach(u) AS us, sumForEach(i) AS im, sumForEach(o) AS ov, sumForEach(p) AS op, max(incomplete) AS incomplete, min(final) AS final
        FROM tributary.local_cells WHERE class = 'human' AND pair
        GROUP BY store, funnel, funnel_version, hour, channel, device
    ) ARRAY JOIN arrayEnumerate(us) AS at
)
WHERE entered != 0;

CREATE OR REPLACE VIEW bi.funnel_daily
(
    store LowCardinality(String) COMMENT 'store',
    funnel LowCardinality(String) COMMENT 'name of the funnel',
    funnel_version UInt16 COMMENT 'version of its definition',
    day Date COMMENT 'day in the time zone of the store, in which the units entered',
    channel String COMMENT 'channel of the entry',
    device String COMMENT 'device of the entry',
    step UInt8 COMMENT 'number of the step, from 1',
    action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step, implied ones too: the numerator',
    implied Int64 COMMENT 'of these, units that jumped over it',
    entered Int64 COMMENT 'the same units at step 1: the denominator of rate',
    rate Nullable(Float64) COMMENT 'units / entered; NULL under 200 units',
    low Nullable(Float64) COMMENT 'lower Wilson bound of rate, 95 %',
    high Nullable(Float64) COMMENT 'upper Wilson bound of rate, 95 %',
    before Int64 COMMENT 'the same units at the step before: the denominator of step_rate',
    step_rate Nullable(Float64) COMMENT 'units / before; NULL under 200 units',
    step_low Nullable(Float64) COMMENT 'lower Wilson bound of step_rate, 95 %',
    step_high Nullable(Float64) COMMENT 'upper Wilson bound of step_rate, 95 %',
    observed_value Int64 COMMENT 'value of the distinct orders of the units that reached the step, minor units',
    open_units Int64 COMMENT 'units that did the action of the step at all, in whatever order',
    final UInt8 COMMENT '1 if these numbers never change again',
    incomplete UInt8 COMMENT '1 if records that belong here may be missing (bi.gaps)',
    maturity LowCardinality(String) COMMENT 'final; immature: the numbers may still change; insufficient: too few units for a rate'
)
AS SELECT store, funnel, funnel_version, day, channel, device, step, action, units, implied, entered,
    if(entered < 200, NULL, units / entered) AS rate,
    if(entered < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS low,
    if(entered < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS high,
    before,
    if(before < 200, NULL, units / before) AS step_rate,
    if(before < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_low,
    if(before < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_high,
    observed_value, open_units, final, incomplete, multiIf(entered < 200, 'insufficient', final, 'final', 'immature') AS maturity
FROM (
    SELECT store, funnel, funnel_version, day, channel, device, toUInt8(at) AS step, names[at] AS action, us[at] AS units, im[at] AS implied,
        us[1] AS entered, us[greatest(at - 1, 1)] AS before, ov[at] AS observed_value, op[at] AS open_units, final, incomplete
    FROM (
        SELECT store, funnel, funnel_version, day, channel, device, any(steps) AS names, sumForEach(u) AS us, sumForEach(i) AS im, sumForEach(o) AS ov, sumForEach(p) AS op, max(incomplete) AS incomplete, toUInt8(day < any(final_day)) AS final
        FROM tributary.local_cells WHERE class = 'human' AND pair
        GROUP BY store, funnel, funnel_version, day, channel, device
    ) ARRAY JOIN arrayEnumerate(us) AS at
)
WHERE entered != 0;

CREATE OR REPLACE VIEW bi.funnel_weekly
(
    store LowCardinality(String) COMMENT 'store',
    funnel LowCardinality(String) COMMENT 'name of the funnel',
    funnel_version UInt16 COMMENT 'version of its definition',
    week Date COMMENT 'Monday of the week in the time zone of the store, in which the units entered',
    channel String COMMENT 'channel of the entry',
    device String COMMENT 'device of the entry',
    step UInt8 COMMENT 'number of the step, from 1',
    action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step, implied ones too: the numerator',
    implied Int64 COMMENT 'of these, units that jumped over it',
    entered Int64 COMMENT 'the same units at step 1: the denominator of rate',
    rate Nullable(Float64) COMMENT 'units / entered; NULL under 200 units',
    low Nullable(Float64) COMMENT 'lower Wilson bound of rate, 95 %',
    high Nullable(Float64) COMMENT 'upper Wilson bound of rate, 95 %',
    before Int64 COMMENT 'the same units at the step before: the denominator of step_rate',
    step_rate Nullable(Float64) COMMENT 'units / before; NULL under 200 units',
    step_low Nullable(Float64) COMMENT 'lower Wilson bound of step_rate, 95 %',
    step_high Nullable(Float64) COMMENT 'upper Wilson bound of step_rate, 95 %',
    observed_value Int64 COMMENT 'value of the distinct orders of the units that reached the step, minor units',
    open_units Int64 COMMENT 'units that did the action of the step at all, in whatever order',
    final UInt8 COMMENT '1 if these numbers never change again',
    incomplete UInt8 COMMENT '1 if records that belong here may be missing (bi.gaps)',
    maturity LowCardinality(String) COMMENT 'final; immature: the numbers may still change; insufficient: too few units for a rate'
)
AS SELECT store, funnel, funnel_version, week, channel, device, step, action, units, implied, entered,
    if(entered < 200, NULL, units / entered) AS rate,
    if(entered < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS low,
    if(entered < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS high,
    before,
    if(before < 200, NULL, units / before) AS step_rate,
    if(before < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_low,
    if(before < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_high,
    observed_value, open_units, final, incomplete, multiIf(entered < 200, 'insufficient', final, 'final', 'immature') AS maturity
FROM (
    SELECT store, funnel, funnel_version, week, channel, device, toUInt8(at) AS step, names[at] AS action, us[at] AS units, im[at] AS implied,
        us[1] AS entered, us[greatest(at - 1, 1)] AS before, ov[at] AS observed_value, op[at] AS open_units, final, incomplete
    FROM (
        SELECT store, funnel, funnel_version, toMonday(day) AS week, channel, device, any(steps) AS names, sumForEach(u) AS us, sumForEach(i) AS im, sumForEach(o) AS ov, sumForEach(p) AS op, max(incomplete) AS incomplete, toUInt8(week + 6 < any(final_day)) AS final
        FROM tributary.local_cells WHERE class = 'human' AND pair
        GROUP BY store, funnel, funnel_version, week, channel, device
    ) ARRAY JOIN arrayEnumerate(us) AS at
)
WHERE entered != 0;

CREATE OR REPLACE VIEW bi.funnel_totals_daily
(
    store LowCardinality(String) COMMENT 'store',
    funnel LowCardinality(String) COMMENT 'name of the funnel',
    funnel_version UInt16 COMMENT 'version of its definition',
    day Date COMMENT 'day in the time zone of the store, in which the units entered',
    step UInt8 COMMENT 'number of the step, from 1',
    action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step, implied ones too: the numerator',
    implied Int64 COMMENT 'of these, units that jumped over it',
    entered Int64 COMMENT 'the same units at step 1: the denominator of rate',
    rate Nullable(Float64) COMMENT 'units / entered; NULL under 200 units',
    low Nullable(Float64) COMMENT 'lower Wilson bound of rate, 95 %',
    high Nullable(Float64) COMMENT 'upper Wilson bound of rate, 95 %',
    before Int64 COMMENT 'the same units at the step before: the denominator of step_rate',
    step_rate Nullable(Float64) COMMENT 'units / before; NULL under 200 units',
    step_low Nullable(Float64) COMMENT 'lower Wilson bound of step_rate, 95 %',
    step_high Nullable(Float64) COMMENT 'upper Wilson bound of step_rate, 95 %',
    observed_value Int64 COMMENT 'value of the distinct orders of the units that reached the step, minor units',
    open_units Int64 COMMENT 'units that did the action of the step at all, in whatever order',
    final UInt8 COMMENT '1 if these numbers never change again',
    incomplete UInt8 COMMENT '1 if records that belong here may be missing (bi.gaps)',
    maturity LowCardinality(String) COMMENT 'final; immature: the numbers may still change; insufficient: too few units for a rate'
)
AS SELECT store, funnel, funnel_version, day, step, action, units, implied, entered,
    if(entered < 200, NULL, units / entered) AS rate,
    if(entered < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS low,
    if(entered < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS high,
    before,
    if(before < 200, NULL, units / before) AS step_rate,
    if(before < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_low,
    if(before < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_high,
    observed_value, open_units, final, incomplete, multiIf(entered < 200, 'insufficient', final, 'final', 'immature') AS maturity
FROM (
    SELECT store, funnel, funnel_version, day, toUInt8(at) AS step, names[at] AS action, us[at] AS units, im[at] AS implied,
        us[1] AS entered, us[greatest(at - 1, 1)] AS before, ov[at] AS observed_value, op[at] AS open_units, final, incomplete
    FROM (
        SELECT store, funnel, funnel_version, day, any(steps) AS names, sumForEach(u) AS us, sumForEach(i) AS im, sumForEach(o) AS ov, sumForEach(p) AS op, max(incomplete) AS incomplete, toUInt8(day < any(final_day)) AS final
        FROM tributary.local_cells WHERE class = 'human' AND whole
        GROUP BY store, funnel, funnel_version, day
    ) ARRAY JOIN arrayEnumerate(us) AS at
)
WHERE entered != 0;

CREATE OR REPLACE VIEW bi.channels_daily
(
    store LowCardinality(String) COMMENT 'store',
    funnel LowCardinality(String) COMMENT 'name of the funnel',
    funnel_version UInt16 COMMENT 'version of its definition',
    day Date COMMENT 'day in the time zone of the store, in which the units entered',
    channel String COMMENT 'channel of the entry',
    step UInt8 COMMENT 'number of the step, from 1',
    action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step, implied ones too: the numerator',
    implied Int64 COMMENT 'of these, units that jumped over it',
    entered Int64 COMMENT 'the same units at step 1: the denominator of rate',
    rate Nullable(Float64) COMMENT 'units / entered; NULL under 200 units',
    low Nullable(Float64) COMMENT 'lower Wilson bound of rate, 95 %',
    high Nullable(Float64) COMMENT 'upper Wilson bound of rate, 95 %',
    before Int64 COMMENT 'the same units at the step before: the denominator of step_rate',
    step_rate Nullable(Float64) COMMENT 'units / before; NULL under 200 units',
    step_low Nullable(Float64) COMMENT 'lower Wilson bound of step_rate, 95 %',
    step_high Nullable(Float64) COMMENT 'upper Wilson bound of step_rate, 95 %',
    observed_value Int64 COMMENT 'value of the distinct orders of the units that reached the step, minor units',
    open_units Int64 COMMENT 'units that did the action of the step at all, in whatever order',
    final UInt8 COMMENT '1 if these numbers never change again',
    incomplete UInt8 COMMENT '1 if records that belong here may be missing (bi.gaps)',
    maturity LowCardinality(String) COMMENT 'final; immature: the numbers may still change; insufficient: too few units for a rate'
)
AS SELECT store, funnel, funnel_version, day, channel, step, action, units, implied, entered,
    if(entered < 200, NULL, units / entered) AS rate,
    if(entered < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS low,
    if(entered < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS high,
    before,
    if(before < 200, NULL, units / before) AS step_rate,
    if(before < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_low,
    if(before < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_high,
    observed_value, open_units, final, incomplete, multiIf(entered < 200, 'insufficient', final, 'final', 'immature') AS maturity
FROM (
    SELECT store, funnel, funnel_version, day, channel, toUInt8(at) AS step, names[at] AS action, us[at] AS units, im[at] AS implied,
        us[1] AS entered, us[greatest(at - 1, 1)] AS before, ov[at] AS observed_value, op[at] AS open_units, final, incomplete
    FROM (
        SELECT store, funnel, funnel_version, day, channel, any(steps) AS names, sumForEach(u) AS us, sumForEach(i) AS im, sumForEach(o) AS ov, sumForEach(p) AS op, max(incomplete) AS incomplete, toUInt8(day < any(final_day)) AS final
        FROM tributary.local_cells WHERE class = 'human' AND pair
        GROUP BY store, funnel, funnel_version, day, channel
    ) ARRAY JOIN arrayEnumerate(us) AS at
)
WHERE entered != 0;

CREATE OR REPLACE VIEW bi.devices_daily
(
    store LowCardinality(String) COMMENT 'store',
    funnel LowCardinality(String) COMMENT 'name of the funnel',
    funnel_version UInt16 COMMENT 'version of its definition',
    day Date COMMENT 'day in the time zone of the store, in which the units entered',
    device String COMMENT 'device of the entry',
    step UInt8 COMMENT 'number of the step, from 1',
    action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step, implied ones too: the numerator',
    implied Int64 COMMENT 'of these, units that jumped over it',
    entered Int64 COMMENT 'the same units at step 1: the denominator of rate',
    rate Nullable(Float64) COMMENT 'units / entered; NULL under 200 units',
    low Nullable(Float64) COMMENT 'lower Wilson bound of rate, 95 %',
    high Nullable(Float64) COMMENT 'upper Wilson bound of rate, 95 %',
    before Int64 COMMENT 'the same units at the step before: the denominator of step_rate',
    step_rate Nullable(Float64) COMMENT 'units / before; NULL under 200 units',
    step_low Nullable(Float64) COMMENT 'lower Wilson bound of step_rate, 95 %',
    step_high Nullable(Float64) COMMENT 'upper Wilson bound of step_rate, 95 %',
    observed_value Int64 COMMENT 'value of the distinct orders of the units that reached the step, minor units',
    open_units Int64 COMMENT 'units that did the action of the step at all, in whatever order',
    final UInt8 COMMENT '1 if these numbers never change again',
    incomplete UInt8 COMMENT '1 if records that belong here may be missing (bi.gaps)',
    maturity LowCardinality(String) COMMENT 'final; immature: the numbers may still change; insufficient: too few units for a rate'
)
AS SELECT store, funnel, funnel_version, day, device, step, action, units, implied, entered,
    if(entered < 200, NULL, units / entered) AS rate,
    if(entered < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS low,
    if(entered < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS high,
    before,
    if(before < 200, NULL, units / before) AS step_rate,
    if(before < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_low,
    if(before < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_high,
    observed_value, open_units, final, incomplete, multiIf(entered < 200, 'insufficient', final, 'final', 'immature') AS maturity
FROM (
    SELECT store, funnel, funnel_version, day, device, toUInt8(at) AS step, names[at] AS action, us[at] AS units, im[at] AS implied,
        us[1] AS entered, us[greatest(at - 1, 1)] AS before, ov[at] AS observed_value, op[at] AS open_units, final, incomplete
    FROM (
        SELECT store, funnel, funnel_version, day, device, any(steps) AS names, sumForEach(u) AS us, sumForEach(i) AS im, sumForEach(o) AS ov, sumForEach(p) AS op, max(incomplete) AS incomplete, toUInt8(day < any(final_day)) AS final
        FROM tributary.local_cells WHERE class = 'human' AND pair
        GROUP BY store, funnel, funnel_version, day, device
    ) ARRAY JOIN arrayEnumerate(us) AS at
)
WHERE entered != 0;

CREATE OR REPLACE VIEW bi.segments_hourly
(
    store LowCardinality(String) COMMENT 'store',
    funnel LowCardinality(String) COMMENT 'name of the funnel',
    funnel_version UInt16 COMMENT 'version of its definition',
    hour DateTime('UTC') COMMENT 'start of the hour in the time zone of the store, in which the units entered',
    breakdown LowCardinality(String) COMMENT 'dimensions of the segment, joined by commas',
    segment String COMMENT 'values of the dimensions, joined by commas',
    step UInt8 COMMENT 'number of the step, from 1',
    action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step, implied ones too: the numerator',
    implied Int64 COMMENT 'of these, units that jumped over it',
    entered Int64 COMMENT 'the same units at step 1: the denominator of rate',
    rate Nullable(Float64) COMMENT 'units / entered; NULL under 200 units',
    low Nullable(Float64) COMMENT 'lower Wilson bound of rate, 95 %',
    high Nullable(Float64) COMMENT 'upper Wilson bound of rate, 95 %',
    before Int64 COMMENT 'the same units at the step before: the denominator of step_rate',
    step_rate Nullable(Float64) COMMENT 'units / before; NULL under 200 units',
    step_low Nullable(Float64) COMMENT 'lower Wilson bound of step_rate, 95 %',
    step_high Nullable(Float64) COMMENT 'upper Wilson bound of step_rate, 95 %',
    observed_value Int64 COMMENT 'value of the distinct orders of the units that reached the step, minor units',
    open_units Int64 COMMENT 'units that did the action of the step at all, in whatever order',
    final UInt8 COMMENT '1 if these numbers never change again',
    incomplete UInt8 COMMENT '1 if records that belong here may be missing (bi.gaps)',
    maturity LowCardinality(String) COMMENT 'final; immature: the numbers may still change; insufficient: too few units for a rate'
)
AS SELECT store, funnel, funnel_version, hour, breakdown, segment, step, action, units, implied, entered,
    if(entered < 200, NULL, units / entered) AS rate,
    if(entered < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS low,
    if(entered < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS high,
    before,
    if(before < 200, NULL, units / before) AS step_rate,
    if(before < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_low,
    if(before < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_high,
    observed_value, open_units, final, incomplete, multiIf(entered < 200, 'insufficient', final, 'final', 'immature') AS maturity
FROM (
    SELECT store, funnel, funnel_version, hour, breakdown, segment, toUInt8(at) AS step, names[at] AS action, us[at] AS units, im[at] AS implied,
        us[1] AS entered, us[greatest(at - 1, 1)] AS before, ov[at] AS observed_value, op[at] AS open_units, final, incomplete
    FROM (
        SELECT store, funnel, funnel_version, hour, breakdown, arrayStringConcat(values, ',') AS segment, any(steps) AS names, sumForEach(u) AS us, sumForEach(i) AS im, sumForEach(o) AS ov, sumForEach(p) AS op, max(incomplete) AS incomplete, min(final) AS final
        FROM tributary.local_cells WHERE class = 'human' AND 1
        GROUP BY store, funnel, funnel_version, hour, breakdown, segment
    ) ARRAY JOIN arrayEnumerate(us) AS at
)
WHERE entered != 0;

CREATE OR REPLACE VIEW bi.segments_daily
(
    store LowCardinality(String) COMMENT 'store',
    funnel LowCardinality(String) COMMENT 'name of the funnel',
    funnel_version UInt16 COMMENT 'version of its definition',
    day Date COMMENT 'day in the time zone of the store, in which the units entered',
    breakdown LowCardinality(String) COMMENT 'dimensions of the segment, joined by commas',
    segment String COMMENT 'values of the dimensions, joined by commas',
    step UInt8 COMMENT 'number of the step, from 1',
    action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step, implied ones too: the numerator',
    implied Int64 COMMENT 'of these, units that jumped over it',
    entered Int64 COMMENT 'the same units at step 1: the denominator of rate',
    rate Nullable(Float64) COMMENT 'units / entered; NULL under 200 units',
    low Nullable(Float64) COMMENT 'lower Wilson bound of rate, 95 %',
    high Nullable(Float64) COMMENT 'upper Wilson bound of rate, 95 %',
    before Int64 COMMENT 'the same units at the step before: the denominator of step_rate',
    step_rate Nullable(Float64) COMMENT 'units / before; NULL under 200 units',
    step_low Nullable(Float64) COMMENT 'lower Wilson bound of step_rate, 95 %',
    step_high Nullable(Float64) COMMENT 'upper Wilson bound of step_rate, 95 %',
    observed_value Int64 COMMENT 'value of the distinct orders of the units that reached the step, minor units',
    open_units Int64 COMMENT 'units that did the action of the step at all, in whatever order',
    final UInt8 COMMENT '1 if these numbers never change again',
    incomplete UInt8 COMMENT '1 if records that belong here may be missing (bi.gaps)',
    maturity LowCardinality(String) COMMENT 'final; immature: the numbers may still change; insufficient: too few units for a rate'
)
AS SELECT store, funnel, funnel_version, day, breakdown, segment, step, action, units, implied, entered,
    if(entered < 200, NULL, units / entered) AS rate,
    if(entered < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS low,
    if(entered < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (entered - units) / entered + 0.9604)) / (entered + 3.8416)) AS high,
    before,
    if(before < 200, NULL, units / before) AS step_rate,
    if(before < 200, NULL, (units + 1.9208 - 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_low,
    if(before < 200, NULL, (units + 1.9208 + 1.96 * sqrt(units * (before - units) / before + 0.9604)) / (before + 3.8416)) AS step_high,
    observed_value, open_units, final, incomplete, multiIf(entered < 200, 'insufficient', final, 'final', 'immature') AS maturity
FROM (
    SELECT store, funnel, funnel_version, day, breakdown, segment, toUInt8(at) AS step, names[at] AS action, us[at] AS units, im[at] AS implied,
        us[1] AS entered, us[greatest(at - 1, 1)] AS before, ov[at] AS observed_value, op[at] AS open_units, final, incomplete
    FROM (
        SELECT store, funnel, funnel_version, day, breakdown, arrayStringConcat(values, ',') AS segment, any(steps) AS names, sumForEach(u) AS us, sumForEach(i) AS im, sumForEach(o) AS ov, sumForEach(p) AS op, max(incomplete) AS incomplete, toUInt8(day < any(final_day)) AS final
        FROM tributary.local_cells WHERE class = 'human' AND 1
        GROUP BY store, funnel, funnel_version, day, breakdown, segment
    ) ARRAY JOIN arrayEnumerate(us) AS at
)
WHERE entered != 0;

CREATE OR REPLACE VIEW bi.traffic_classes_daily
(
    store LowCardinality(String) COMMENT 'store',
    day Date COMMENT 'day in the time zone of the store, in which the sessions began',
    class LowCardinality(String) COMMENT 'human, bot or internal',
    visits UInt64 COMMENT 'sessions of the class',
    all_visits UInt64 COMMENT 'sessions of all classes: the denominator',
    rate Nullable(Float64) COMMENT 'visits / all_visits; NULL under 200',
    low Nullable(Float64) COMMENT 'lower Wilson bound of rate, 95 %',
    high Nullable(Float64) COMMENT 'upper Wilson bound of rate, 95 %',
    final UInt8 COMMENT '1 if these numbers never change again',
    maturity LowCardinality(String) COMMENT 'final; immature: the numbers may still change; insufficient: too few units for a rate'
)
AS SELECT store, day, class, visits, all_visits,
    if(all_visits < 200, NULL, visits / all_visits) AS rate,
    if(all_visits < 200, NULL, (visits + 1.9208 - 1.96 * sqrt(visits * (all_visits - visits) / all_visits + 0.9604)) / (all_visits + 3.8416)) AS low,
    if(all_visits < 200, NULL, (visits + 1.9208 + 1.96 * sqrt(visits * (all_visits - visits) / all_visits + 0.9604)) / (all_visits + 3.8416)) AS high,
    final, multiIf(all_visits < 200, 'insufficient', final, 'final', 'immature') AS maturity
FROM (
    SELECT s.store AS store, toDate(substring(toString(s.started_at, z.time_zone), 1, 10)) AS day, s.class AS class, count() AS visits,
        sum(visits) OVER (PARTITION BY store, day) AS all_visits, toUInt8(day < any(z.final_day)) AS final
    FROM bi.sessions AS s INNER JOIN tributary.zones AS z ON s.store = z.store GROUP BY store, day, class
);

CREATE OR REPLACE VIEW bi.landing_pages_daily
(
    store LowCardinality(String) COMMENT 'store',
    day Date COMMENT 'day in the time zone of the store, in which the sessions began',
    landing_path String COMMENT 'path of the first page',
    visits UInt64 COMMENT 'sessions of people: the denominator',
    bounced UInt64 COMMENT 'sessions of one event',
    buying UInt64 COMMENT 'sessions with an order: the numerator',
    orders UInt64 COMMENT 'distinct orders in them',
    value_minor Int64 COMMENT 'value of these orders, minor units of the base currency',
    rate Nullable(Float64) COMMENT 'numerator / visits; NULL under 200 sessions',
    low Nullable(Float64) COMMENT 'lower Wilson bound of rate, 95 %',
    high Nullable(Float64) COMMENT 'upper Wilson bound of rate, 95 %',
    final UInt8 COMMENT '1 if these numbers never change again',
    maturity LowCardinality(String) COMMENT 'final; immature: the numbers may still change; insufficient: too few sessions for a rate'
)
AS SELECT store, day, landing_path, visits, bounced, buying, orders, value_minor,
    if(visits < 200, NULL, buying / visits) AS rate,
    if(visits < 200, NULL, (buying + 1.9208 - 1.96 * sqrt(buying * (visits - buying) / visits + 0.9604)) / (visits + 3.8416)) AS low,
    if(visits < 200, NULL, (buying + 1.9208 + 1.96 * sqrt(buying * (visits - buying) / visits + 0.9604)) / (visits + 3.8416)) AS high,
    final, multiIf(visits < 200, 'insufficient', final, 'final', 'immature') AS maturity
FROM (
    SELECT s.store AS store, toDate(substring(toString(s.started_at, z.time_zone), 1, 10)) AS day, s.landing_path AS landing_path, count() AS visits,
        countIf(s.events = 1) AS bounced, countIf(s.orders > 0) AS buying, sum(s.orders) AS orders, sum(s.value_minor) AS value_minor, toUInt8(day < any(z.final_day)) AS final
    FROM bi.sessions AS s INNER JOIN tributary.zones AS z ON s.store = z.store WHERE s.class = 'human' AND 1
    GROUP BY store, day, landing_path
);

CREATE OR REPLACE VIEW bi.campaigns_daily
(
    store LowCardinality(String) COMMENT 'store',
    day Date COMMENT 'day in the time zone of the store, in which the sessions began',
    campaign String COMMENT 'campaign name',
    source String COMMENT 'traffic source',
    medium String COMMENT 'traffic medium',
    channel String COMMENT 'channel of the first event',
    visits UInt64 COMMENT 'sessions of people: the denominator',
    bounced UInt64 COMMENT 'sessions of one event',
    buying UInt64 COMMENT 'sessions with an order: the numerator',
    orders UInt64 COMMENT 'distinct orders in them',
    value_minor Int64 COMMENT 'value of these orders, minor units of the base currency',
    rate Nullable(Float64) COMMENT 'numerator / visits; NULL under 200 sessions',
    low Nullable(Float64) COMMENT 'lower Wilson bound of rate, 95 %',
    high Nullable(Float64) COMMENT 'upper Wilson bound of rate, 95 %',
    final UInt8 COMMENT '1 if these numbers never change again',
    maturity LowCardinality(String) COMMENT 'final; immature: the numbers may still change; insufficient: too few sessions for a rate'
)
AS SELECT store, day, campaign, source, medium, channel, visits, bounced, buying, orders, value_minor,
    if(visits < 200, NULL, buying / visits) AS rate,
    if(visits < 200, NULL, (buying + 1.9208 - 1.96 * sqrt(buying * (visits - buying) / visits + 0.9604)) / (visits + 3.8416)) AS low,
    if(visits < 200, NULL, (buying + 1.9208 + 1.96 * sqrt(buying * (visits - buying) / visits + 0.9604)) / (visits + 3.8416)) AS high,
    final, multiIf(visits < 200, 'insufficient', final, 'final', 'immature') AS maturity
FROM (
    SELECT s.store AS store, toDate(substring(toString(s.started_at, z.time_zone), 1, 10)) AS day, s.campaign AS campaign, s.source AS source, s.medium AS medium, s.channel AS channel, count() AS visits,
        countIf(s.events = 1) AS bounced, countIf(s.orders > 0) AS buying, sum(s.orders) AS orders, sum(s.value_minor) AS value_minor, toUInt8(day < any(z.final_day)) AS final
    FROM bi.sessions AS s INNER JOIN tributary.zones AS z ON s.store = z.store WHERE s.class = 'human' AND s.campaign != ''
    GROUP BY store, day, campaign, source, medium, channel
);

CREATE OR REPLACE VIEW bi.micro_conversions_daily
(
    store LowCardinality(String) COMMENT 'store',
    day Date COMMENT 'day in the time zone of the store, in which the sessions began',
    action LowCardinality(String) COMMENT 'micro-conversion',
    visits UInt64 COMMENT 'sessions of people: the denominator',
    done UInt64 COMMENT 'sessions in which it happened: the numerator',
    times UInt64 COMMENT 'how often it happened in them',
    rate Nullable(Float64) COMMENT 'numerator / visits; NULL under 200 sessions',
    low Nullable(Float64) COMMENT 'lower Wilson bound of rate, 95 %',
    high Nullable(Float64) COMMENT 'upper Wilson bound of rate, 95 %',
    final UInt8 COMMENT '1 if these numbers never change again',
    maturity LowCardinality(String) COMMENT 'final; immature: the numbers may still change; insufficient: too few sessions for a rate'
)
AS SELECT store, day, action, visits, done, times,
    if(visits < 200, NULL, done / visits) AS rate,
    if(visits < 200, NULL, (done + 1.9208 - 1.96 * sqrt(done * (visits - done) / visits + 0.9604)) / (visits + 3.8416)) AS low,
    if(visits < 200, NULL, (done + 1.9208 + 1.96 * sqrt(done * (visits - done) / visits + 0.9604)) / (visits + 3.8416)) AS high,
    final, multiIf(visits < 200, 'insufficient', final, 'final', 'immature') AS maturity
FROM (
    SELECT v.store AS store, v.day AS day, a.action AS action, v.visits AS visits, a.done AS done, a.times AS times, v.final AS final
    FROM (
        SELECT s.store AS store, toDate(substring(toString(s.started_at, z.time_zone), 1, 10)) AS day, count() AS visits, toUInt8(day < any(z.final_day)) AS final
        FROM bi.sessions AS s INNER JOIN tributary.zones AS z ON s.store = z.store WHERE s.class = 'human' GROUP BY store, day
    ) AS v
    INNER JOIN (
        SELECT s.store AS store, toDate(substring(toString(s.started_at, z.time_zone), 1, 10)) AS day, action, sum(n) AS times, count() AS done
        FROM (
            SELECT store, started_at, class, action, count() AS n FROM (SELECT store, session_id, started_at, class, arrayJoin(actions) AS action FROM bi.sessions)
            GROUP BY store, session_id, started_at, class, action
        ) AS s INNER JOIN tributary.zones AS z ON s.store = z.store WHERE s.class = 'human' GROUP BY store, day, action
    ) AS a ON v.store = a.store AND v.day = a.day
);

CREATE OR REPLACE VIEW bi.time_to_step_daily
(
    store LowCardinality(String) COMMENT 'store',
    funnel LowCardinality(String) COMMENT 'name of the funnel',
    funnel_version UInt16 COMMENT 'version of its definition',
    day Date COMMENT 'day in the time zone of the store, in which the units entered',
    step UInt8 COMMENT 'number of the step, from 1',
    action String COMMENT 'action of the step',
    times_known Int64 COMMENT 'units whose time to the step is known: implied steps have none',
    p50 Nullable(Float64) COMMENT 'seconds from the first step, 50 % of the units are as fast, within 5 %; NULL under 20 units',
    p75 Nullable(Float64) COMMENT 'seconds from the first step, 75 % of the units are as fast, within 5 %; NULL under 20 units',
    p90 Nullable(Float64) COMMENT 'seconds from the first step, 90 % of the units are as fast, within 5 %; NULL under 20 units',
    p95 Nullable(Float64) COMMENT 'seconds from the first step, 95 % of the units are as fast, within 5 %; NULL under 20 units',
    final UInt8 COMMENT '1 if these numbers never change again'
)
AS SELECT store, funnel, funnel_version, day, step, action, times_known, q[1] AS p50, q[2] AS p75, q[3] AS p90, q[4] AS p95, final
FROM (
    SELECT store, funnel, funnel_version, day, step, any(action) AS action, arraySort(b -> b.1, sumMap(bins)::Array(Tuple(Int16, Int64))) AS list,
        arrayCumSum(list.2) AS sums, toInt64(sums[-1]) AS times_known, toUInt8(day < any(final_day)) AS final,
        arrayMap(p -> if(times_known < 20, NULL, 2 * pow(21 / 19, list.1[arrayFirstIndex(s -> s >= ceil(p * times_known), sums)]) / (21 / 19 + 1)), [0.5, 0.75, 0.9, 0.95]) AS q
    FROM (
        SELECT c.store AS store, c.funnel AS funnel, c.funnel_version AS funnel_version, toDate(substring(toString(c.window_start, z.time_zone), 1, 10)) AS day,
            z.final_day AS final_day, toUInt8(step) AS step, s.steps[step] AS action, c.time_to_step[step] AS bins
        FROM tributary.funnel_cells AS c FINAL
        INNER JOIN tributary.breakdowns AS s ON c.store = s.store AND c.funnel = s.funnel AND c.funnel_version = s.funnel_version AND c.breakdown = s.breakdown
        INNER JOIN tributary.zones AS z ON c.store = z.store
        ARRAY JOIN arrayEnumerate(c.time_to_step) AS step
        WHERE c.stage = 'visitor' AND c.basis = 'entry' AND c.window_seconds = 900 AND c.class = 'human' AND s.whole AND step > 1
            AND c.epoch = (SELECT argMax(epoch, live_from_day) FROM tributary.epochs FINAL)
    )
    GROUP BY store, funnel, funnel_version, day, step
)
WHERE times_known != 0;

CREATE OR REPLACE VIEW bi.funnel_versions
(
    store LowCardinality(String) COMMENT 'store',
    funnel LowCardinality(String) COMMENT 'name of the funnel',
    funnel_version UInt16 COMMENT 'version of its definition',
    actions Array(String) COMMENT 'steps of the version, in order',
    in_force_from DateTime64(3, 'UTC') COMMENT 'sessions that enter from here on are counted by this version; 1970: since the first event',
    backfilled_from DateTime('UTC') COMMENT 'windows from here on are shown in this version: in_force_from, or earlier where a backfill is complete'
)
AS SELECT v.store AS store, v.funnel AS funnel, v.funnel_version AS funnel_version, v.actions AS actions, v.in_force_from AS in_force_from,
    if(b.complete = 1, b.from_ts, toDateTime(v.in_force_from, 'UTC')) AS backfilled_from
FROM (
    SELECT store, funnel, funnel_version, argMax(steps, version) AS actions, min(effective_from) AS in_force_from
    FROM tributary.store_configs FINAL GROUP BY store, funnel, funnel_version
) AS v
LEFT JOIN (SELECT * FROM tributary.backfills FINAL WHERE epoch = (SELECT argMax(epoch, live_from_day) FROM tributary.epochs FINAL)) AS b
    ON v.store = b.store AND v.funnel = b.funnel AND v.funnel_version = b.funnel_version
SETTINGS join_use_nulls = 0;

CREATE OR REPLACE VIEW bi.data_freshness
(
    stage LowCardinality(String) COMMENT 'sessions or events: the kind of rows that this line speaks of',
    processed_through DateTime64(3, 'UTC') COMMENT 'every partition has been processed up to this ingest time',
    final_through DateTime64(3, 'UTC') COMMENT 'windows that end here or earlier never change again',
    lag_seconds Int64 COMMENT 'from processed_through to now; -1 while a partition has not reported',
    partitions UInt64 COMMENT 'partitions that have reported',
    partitions_expected UInt64 COMMENT 'partitions of all open generations',
    complete UInt8 COMMENT '1 if every partition has reported'
)
AS SELECT stage, processed_through, final_through, if(complete, dateDiff('second', processed_through, now64(3)), -1) AS lag_seconds,
    partitions, partitions_expected, toUInt8(partitions >= partitions_expected) AS complete
FROM bi.completeness;

CREATE OR REPLACE VIEW bi.refused_daily
(
    store LowCardinality(String) COMMENT 'store',
    day Date COMMENT 'day of arrival, UTC',
    kind String COMMENT 'late: in no session, kept in bi.late_events; dead: not taken, kept in bi.dead_letters',
    reason String COMMENT 'action of a late event; reason and field of a dead letter',
    records UInt64 COMMENT 'how many'
)
AS SELECT store, toDate(ingest_ts, 'UTC') AS day, 'late' AS kind, toString(action) AS reason, count() AS records FROM tributary.late_events FINAL GROUP BY store, day, kind, reason
UNION ALL
SELECT store, toDate(ingest_ts, 'UTC') AS day, 'dead' AS kind, concat(reason, if(path = '', '', concat(' ', path))) AS reason, count() AS records FROM tributary.dead_letters FINAL GROUP BY store, day, kind, reason;

-- What people know about a time, and what scheduled diagnoses said.
CREATE TABLE IF NOT EXISTS tributary.annotations
(
    store LowCardinality(String), id String, from_ts DateTime('UTC'), to_ts DateTime('UTC'), kind LowCardinality(String), text String, deleted UInt8, version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (store, id);

CREATE TABLE IF NOT EXISTS tributary.diagnoses
(
    store LowCardinality(String), funnel LowCardinality(String), funnel_version UInt16, moment DateTime('UTC'), label LowCardinality(String), rule LowCardinality(String),
    sentence String, days UInt8, step UInt8, action LowCardinality(String), dimension LowCardinality(String), segment String,
    units_before Int64, entered_before Int64, units_now Int64, entered_now Int64, mix Float64, rate_effect Float64, z Float64, report String, made_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(made_at)
PARTITION BY toYYYYMM(moment)
ORDER BY (store, funnel, funnel_version, moment);

CREATE TABLE IF NOT EXISTS tributary.alerts
(
    store LowCardinality(String), funnel LowCardinality(String), moment DateTime('UTC'), label LowCardinality(String), action LowCardinality(String),
    dimension LowCardinality(String), segment String, sentence String, made_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(made_at)
PARTITION BY toYYYYMM(moment)
ORDER BY (store, funnel, moment, label, action, dimension, segment);

CREATE OR REPLACE VIEW bi.annotations
(
    store LowCardinality(String) COMMENT 'store',
    from_ts DateTime('UTC') COMMENT 'start of the time',
    to_ts DateTime('UTC') COMMENT 'end of the time; as from_ts for a moment',
    kind LowCardinality(String) COMMENT 'release, incident, campaign or promo',
    text String COMMENT 'what a person wrote'
)
AS SELECT store, from_ts, to_ts, kind, text FROM tributary.annotations FINAL WHERE deleted = 0;

CREATE OR REPLACE VIEW bi.diagnoses
(
    store LowCardinality(String) COMMENT 'store',
    funnel LowCardinality(String) COMMENT 'name of the funnel',
    funnel_version UInt16 COMMENT 'version of its definition',
    moment DateTime('UTC') COMMENT 'end of the time that was judged',
    label LowCardinality(String) COMMENT 'insufficient, tracking, outage, mix, localised, upstream, downstream, both or no_change',
    rule LowCardinality(String) COMMENT 'rule that held first, R0 to R8',
    sentence String COMMENT 'what an analyst would write',
    days UInt8 COMMENT 'days of the window that the finding is about; 0: minutes',
    step UInt8 COMMENT 'number of the step that moved, from 1; 0: none',
    action LowCardinality(String) COMMENT 'its action',
    dimension LowCardinality(String) COMMENT 'dimension that tells it apart, empty where everybody moved',
    segment String COMMENT 'its value',
    units_before Int64 COMMENT 'units that took the step in the baseline',
    entered_before Int64 COMMENT 'units that could',
    units_now Int64 COMMENT 'units that took the step in the window',
    entered_now Int64 COMMENT 'units that could',
    mix Float64 COMMENT 'part of the move of the rate that traffic mix made, as a share',
    rate_effect Float64 COMMENT 'part that the segments made by their own rates, as a share',
    z Float64 COMMENT 'significance of the finding, in standard errors',
    report String COMMENT 'the whole report, JSON',
    made_at DateTime64(3, 'UTC') COMMENT 'when it was computed'
)
AS SELECT store, funnel, funnel_version, moment, label, rule, sentence, days, step, action, dimension, segment, units_before, entered_before, units_now, entered_now, mix, rate_effect, z, report, made_at
FROM tributary.diagnoses FINAL;

CREATE OR REPLACE VIEW bi.alerts
(
    store LowCardinality(String) COMMENT 'store',
    funnel LowCardinality(String) COMMENT 'name of the funnel',
    moment DateTime('UTC') COMMENT 'end of the time that was judged',
    label LowCardinality(String) COMMENT 'insufficient, tracking, outage, mix, localised, upstream, downstream, both or no_change',
    action LowCardinality(String) COMMENT 'its action',
    dimension LowCardinality(String) COMMENT 'dimension that tells it apart, empty where everybody moved',
    segment String COMMENT 'its value',
    sentence String COMMENT 'what an analyst would write',
    made_at DateTime64(3, 'UTC') COMMENT 'when it was computed'
)
AS SELECT store, funnel, moment, label, action, dimension, segment, sentence, made_at
FROM tributary.alerts FINAL;

-- Views with parameters: they are no tables to a BI tool's sync, so they have a database of their own.
CREATE OR REPLACE VIEW api.unique_visitors
(
    visitors UInt64 COMMENT 'distinct visitors with a session that began in the time', people UInt64 COMMENT 'distinct users, and visitors without one',
    sessions UInt64 COMMENT 'sessions of people that began in the time'
)
AS SELECT uniqExact(visitor) AS visitors, uniqExact(if(user = '', visitor, user)) AS people, count() AS sessions
FROM bi.sessions WHERE store = {store:String} AND started_at >= {from:DateTime} AND started_at < {to:DateTime} AND class = 'human';

CREATE OR REPLACE VIEW api.step_rates
(
    segment String COMMENT 'values of the breakdown, joined by commas', step UInt8 COMMENT 'number of the step, from 1', action String COMMENT 'action of the step',
    units Int64 COMMENT 'units that reached the step: the numerator', entered Int64 COMMENT 'the same units at step 1', before Int64 COMMENT 'the same units at the step before',
    final UInt8 COMMENT '1 if these numbers never change again'
)
AS SELECT segment, step, any(action) AS action, sum(units) AS units, sum(entered) AS entered, sum(before) AS before, min(final) AS final
FROM bi.segments_hourly WHERE store = {store:String} AND funnel = {funnel:String} AND breakdown = {breakdown:String} AND hour >= {from:DateTime} AND hour < {to:DateTime}
GROUP BY segment, step ORDER BY segment, step;
