// Package table names the ClickHouse tables that the aggregator writes, with their columns in the order of its rows.
package table

import (
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
)

// Events are the facts, one row per record of the log.
var Events = clickhouse.Table{Name: "tributary.events", Columns: "store, visitor, event_id, version, generation, partition, offset, " +
	"ingest_ts, event_ts, original_ts, sent_ts, sequence, late, flags, user, action, interactive, message_id, url, path, title, referrer, " +
	"channel, source, medium, campaign, term, content, brand_search, click_id_kind, click_id, device, os, browser, country, " +
	"product, quantity, value_minor, currency, order_id, cart_token, checkout_token, payload_hash, properties, protocol, origin"}

// Configs are the stores' settings, one row per funnel.
var Configs = clickhouse.Table{Name: "tributary.store_configs", Columns: "store, config_id, effective_from, version, time_zone, file, " +
	"funnel, funnel_version, steps"}

// Sessions hold the current value of each session; deleted = 1 is a tombstone.
var Sessions = clickhouse.Table{Name: "tributary.sessions", Columns: "epoch, store, created_day, session_id, version, generation, partition, " +
	"deleted, visitor, user, started_at, ended_at, channel, source, medium, campaign, term, content, brand_search, device, os, browser, " +
	"country, landing_path, returning, events, tail_events, events_hash, flags, trail_action, trail_ts, trail_value_minor, trail_product, " +
	"trail_order_id, value_minor, orders"}

// Cells hold absolute sums over units.
var Cells = clickhouse.Table{Name: "tributary.funnel_cells", Columns: "epoch, store, stage, funnel, funnel_version, basis, window_seconds, " +
	"window_start, breakdown, values, class, generation, partition, version, units, implied, observed_value, open_units, time_to_step"}

// Progress tells how far each partition came; it is written after the data.
var Progress = clickhouse.Table{Name: "tributary.progress", Columns: "epoch, stage, generation, partition, version, watermark, final, offset"}

// Stages of progress.
const (
	StageEvents   = "events"
	StageSessions = "sessions"
)

// Time of Unix milliseconds. What a DateTime64 column cannot hold (before 1970: nothing was seen yet) becomes 0.
func Time(ms int64) time.Time { return time.UnixMilli(max(ms, 0)).UTC() }
