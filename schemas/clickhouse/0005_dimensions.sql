-- What a session's visitor agreed to, and what experiments showed in it: dimensions of breakdowns, by session.
ALTER TABLE tributary.sessions ADD COLUMN IF NOT EXISTS consent LowCardinality(String);

ALTER TABLE tributary.sessions ADD COLUMN IF NOT EXISTS variants Map(LowCardinality(String), String);
