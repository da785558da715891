package clickhouse

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// respond writes a query's answer, as the client wants it.
func (f *front) respond(w http.ResponseWriter, r *http.Request, o options, q query, res result, began time.Time) error {
	h := w.Header()
	format := o.answerFormat(q)
	if strings.EqualFold(format, "Native") && o.revision > 0 {
		var err error
		if res.data, err = transcode(res.data, o.revision, res.zones); err != nil {
			return err
		}
	}
	if zone := o.settings["session_timezone"]; zone != "" {
		h.Set("X-ClickHouse-Timezone", zone)
	}
	h.Set("X-ClickHouse-Format", format)
	h.Set("Content-Type", contentType(format))
	elapsed := time.Since(began)
	h.Set("X-ClickHouse-Summary", fmt.Sprintf(`{"read_rows":"%d","read_bytes":"%d","written_rows":"%d","written_bytes":"%d","total_rows_to_read":"0","result_rows":"%d","result_bytes":"%d","elapsed_ns":"%d"}`,
		res.rowsRead, res.bytesRead, res.rowsWrite, res.bytesWrite, res.rows, len(res.data), elapsed.Nanoseconds()))
	return o.answer(w, r, res.data)
}

// answerFormat is the format of the answer.
func (o *options) answerFormat(q query) string {
	if q.format != "" && !q.insert {
		return q.format
	}
	return o.format
}

// zonesSince is the revision from which a column of type DateTime says its zone.
const zonesSince = 54337

// zones are the full types of an answer's columns. The engine's blocks keep the zones of plain DateTime columns to
// themselves, as for a client of revision 0, so it is asked for them apart. nil: nothing is missing.
func (f *front) zones(ctx context.Context, c *conn, o options, q query, data []byte) []string {
	const bare = "\x08DateTime" // with its length, as a column's type stands in the block
	if o.revision < zonesSince || !strings.EqualFold(o.answerFormat(q), "Native") || !bytes.Contains(data, []byte(bare)) {
		return nil
	}
	switch q.verb {
	case "SELECT", "WITH", "FROM", "(":
	default:
		return nil
	}
	text := q.text
	if q.end > 0 {
		text = text[:q.end]
	}
	if at := q.clause; at[1] > 0 {
		text = text[:at[0]] + text[at[1]:]
	}
	m := mark(o.queryID)
	r, err := f.pool.run(ctx, m, func() (result, error) { return c.query("DESCRIBE ("+text+"\n)"+m, "TSV") })
	if err != nil {
		return nil // the answer is right without it, its times are in the server's zone
	}
	var out []string
	for line := range strings.Lines(string(r.data)) {
		if parts := strings.SplitN(line, "\t", 3); len(parts) == 3 {
			out = append(out, unescape(parts[1]))
		}
	}
	return out
}

// contentTypes of formats, by the start of their names in lower case; the first that fits counts.
var contentTypes = [][2]string{
	{"native", "application/octet-stream"}, {"rowbinary", "application/octet-stream"}, {"parquet", "application/octet-stream"},
	{"arrow", "application/octet-stream"}, {"orc", "application/octet-stream"}, {"avro", "application/octet-stream"},
	{"msgpack", "application/octet-stream"}, {"protobuf", "application/octet-stream"}, {"bson", "application/octet-stream"}, {"npy", "application/octet-stream"},
	{"jsoneachrowwithprogress", "application/json; charset=UTF-8"},
	{"jsoneachrow", "application/x-ndjson; charset=UTF-8"}, {"jsoncompacteachrow", "application/x-ndjson; charset=UTF-8"},
	{"jsonstringseachrow", "application/x-ndjson; charset=UTF-8"}, {"jsoncompactstringseachrow", "application/x-ndjson; charset=UTF-8"},
	{"ndjson", "application/x-ndjson; charset=UTF-8"}, {"jsonlines", "application/x-ndjson; charset=UTF-8"},
	{"json", "application/json; charset=UTF-8"},
	{"csvwithnames", "text/csv; charset=UTF-8; header=present"}, {"csv", "text/csv; charset=UTF-8; header=absent"},
	{"tabseparated", "text/tab-separated-values; charset=UTF-8"}, {"tsv", "text/tab-separated-values; charset=UTF-8"},
	{"xml", "application/xml; charset=UTF-8"}, {"markdown", "text/markdown; charset=UTF-8"},
}

func contentType(format string) string {
	for _, c := range contentTypes {
		if strings.HasPrefix(strings.ToLower(format), c[0]) {
			return c[1]
		}
	}
	return "text/plain; charset=UTF-8"
}
