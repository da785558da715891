package clickhouse

import (
	"context"
	"strings"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// Params are values for a query's placeholders, such as {visitor:String}, by name. They are plain text: nothing in them is
// read as SQL.
type Params map[string]string

// paramEscaper writes a value in the escaped form in which a server reads parameters, that of TabSeparated.
var paramEscaper = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`, "\b", `\b`, "\f", `\f`)

// EachBound is Each for a query with placeholders.
func (d *DB) EachBound(ctx context.Context, query string, params Params, row func(scan func(dest ...any) error) error) error {
	escaped := make(ch.Parameters, len(params))
	for name, value := range params {
		escaped[name] = paramEscaper.Replace(value)
	}
	return d.Each(ch.Context(ctx, ch.WithParameters(escaped)), query, row)
}
