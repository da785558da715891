// Package schemas holds the contracts as data, embedded where code needs them.
package schemas

import "embed"

// ClickHouse holds the numbered migrations.
//
//go:embed clickhouse/*.sql
var ClickHouse embed.FS

// Channels holds the source lists of the channel grouping.
//
//go:embed channels/sources.txt
var Channels []byte

// Actions is the table of canonical actions.
//
//go:embed events/actions.tsv
var Actions []byte

// Vectors holds the test vectors that fix hashes and layouts for ever.
//
//go:embed vectors/*.json
var Vectors embed.FS
