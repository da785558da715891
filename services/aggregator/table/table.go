// Package table names the ClickHouse tables that the aggregator writes, with their columns in the order of its rows.
package table

import (
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/stream"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/internal/parts"
)

// Events are the facts, one row per record of the log.
var Events = clickhouse.Table{Name: "tributary.events", Columns: "store, visitor, event_id, version, generation, partition, offset, " +
	"ingest_ts, event_ts, original_ts, sent_ts, sequence, late, flags, user, action, interactive, message_id, url, path, title, referrer, " +
	"channel, source, medium, campaign, term, content, brand_search, click_id_kind, click_id, device, os, browser, country, " +
	"product, quantity, value_minor, currency, order_id, cart_token, checkout_token, payload_hash, properties, protocol, origin"}

// Configs are the stores' settings, one row per funnel.
var Configs = clickhouse.Table{Name: "tributary.store_configs", Columns: "store, config_id, effective_from, version, time_zone, currency, file, " +
	"funnel, funnel_version, steps, breakdowns"}

// LateEvents came when their windows were final.
var LateEvents = clickhouse.Table{Name: "tributary.late_events", Columns: "store, visitor, event_id, version, generation, partition, offset, " +
	"ingest_ts, event_ts, floor, action"}

// Orders of one source and partition each; the view resolves them.
var Orders = clickhouse.Table{Name: "tributary.orders", Columns: "store, order_id, source, generation, partition, version, ingest_ts, offset, " +
	"ordered_at, visitor, user, value_minor, currency, base_value_minor, currency_unknown"}

// Refunds take back an order, or a part of it.
var Refunds = clickhouse.Table{Name: "tributary.refunds", Columns: "store, order_id, event_id, generation, partition, version, ingest_ts, " +
	"refunded_at, value_minor, currency, base_value_minor, whole, currency_unknown"}

// Intake counts the records by the hour in which ingest took them.
var Intake = clickhouse.Table{Name: "tributary.intake", Columns: "store, ingest_hour, generation, partition, version, " +
	"records, unique_events, duplicate, late, id_reused"}

// DeadLetters hold what could not be taken, as it came.
var DeadLetters = clickhouse.Table{Name: "tributary.dead_letters", Columns: "store, topic, partition, offset, version, ingest_ts, " +
	"reason, path, rule, text, protocol, original"}

// Sessions hold the current value of each session; deleted = 1 is a tombstone.
var Sessions = clickhouse.Table{Name: "tributary.sessions", Columns: "epoch, store, created_day, session_id, version, generation, partition, " +
	"deleted, visitor, user, started_at, ended_at, channel, source, medium, campaign, term, content, brand_search, device, os, browser, " +
	"country, landing_path, returning, events, tail_events, events_hash, flags, trail_action, trail_ts, trail_value_minor, trail_product, " +
	"trail_order_id, value_minor, orders, consent, variants"}

// Cells hold absolute sums over units.
var Cells = clickhouse.Table{Name: "tributary.funnel_cells", Columns: "epoch, store, stage, funnel, funnel_version, basis, window_seconds, " +
	"window_start, breakdown, values, class, generation, partition, version, units, implied, observed_value, open_units, time_to_step"}

// Progress tells how far each partition came; it is written after the data.
var Progress = clickhouse.Table{Name: "tributary.progress", Columns: "epoch, stage, generation, partition, version, watermark, final, offset"}

// Gaps are records that are missing by an operator's decision.
var Gaps = clickhouse.Table{Name: "tributary.gaps", Columns: "epoch, stage, generation, partition, from_offset, version, to_offset, from_ts, to_ts"}

// Gap is a row of Gaps, of a stage's partition; version is its place in the log of the fold that writes it.
func Gap(epoch uint16, stage string, generation uint8, partition uint16, version event.Version, g *pb.Gap) []any {
	return []any{epoch, stage, generation, partition, g.FromOffset, uint64(version), g.ToOffset, Time(g.FromTs), Time(g.ToTs)}
}

// Stages of progress.
const (
	StageVisitor  = parts.StageVisitor
	StageEvents   = parts.StageEvents
	StageSessions = parts.StageSessions
	StageLetters  = parts.StageLetters
)

// Buried is the row of a record that a stage failed on, by its place.
func Buried(topic string, generation uint8, partition uint16, ingest int64, r stream.Record, why string) []any {
	return []any{"", topic, partition, r.Offset, uint64(event.NewVersion(generation, r.Offset)), Time(ingest), string(event.ReasonFoldPanic), "", why, "", "", string(r.Value)}
}

// Time of Unix milliseconds. What a DateTime64 column cannot hold (before 1970: nothing was seen yet) becomes 0.
func Time(ms int64) time.Time { return time.UnixMilli(max(ms, 0)).UTC() }
