// Package schemas holds the contracts as data, embedded where code needs them.
package schemas

import "embed"

// ClickHouse holds the numbered migrations.
//
//go:embed clickhouse/*.sql
var ClickHouse embed.FS

// Channels holds the source lists of the channel grouping.
//
//go:embed channels/*.txt
var Channels embed.FS
