package clickhouse

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// front answers ClickHouse's HTTP protocol.
type front struct {
	pool *pool
	identity
	requests sync.WaitGroup // they hold connections
}

func newFront(p *pool) (*front, error) {
	id, err := p.identity()
	return &front{pool: p, identity: id}, err
}

// ServeHTTP routes: queries at /, the health check at /ping, and the rest is named in a 501.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.requests.Add(1)
	defer f.requests.Done()
	w.Header().Set("X-ClickHouse-Server-Display-Name", f.name)
	var err error
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		err = unsupported("the method %s", r.Method)
	case r.URL.Path == "/ping", r.URL.Path == "/" && r.Method == http.MethodGet && r.URL.RawQuery == "":
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		_, _ = io.WriteString(w, "Ok.\n")
		return
	case r.URL.Path != "/":
		err = unsupported("the path %s", r.URL.Path)
	case strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/"):
		err = unsupported("external tables (Content-Type multipart/form-data)")
	default:
		err = f.serve(w, r)
	}
	if err != nil {
		f.refuse(w, r, err)
	}
}

// serve answers one query.
func (f *front) serve(w http.ResponseWriter, r *http.Request) error {
	opts, err := readOptions(r)
	if err != nil {
		return err
	}
	if err := opts.authenticate(r); err != nil {
		return err
	}
	q, err := readQuery(r, opts)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("X-ClickHouse-Query-Id", opts.queryID)
	h.Set("X-ClickHouse-Timezone", f.timezone)
	began := time.Now()
	res, err := f.execute(r.Context(), opts, q)
	if err != nil {
		return err
	}
	format := opts.format
	if q.format != "" && !q.insert {
		format = q.format
	}
	if strings.EqualFold(format, "Native") && opts.revision > 0 {
		if res.data, err = transcode(res.data, opts.revision); err != nil {
			return err
		}
	}
	h.Set("X-ClickHouse-Format", format)
	h.Set("Content-Type", contentType(format))
	h.Set("X-ClickHouse-Summary", fmt.Sprintf(`{"read_rows":"%d","read_bytes":"%d","written_rows":"%d","result_bytes":"%d","elapsed_ns":"%d"}`,
		res.rowsRead, res.bytesRead, res.rowsWrite, len(res.data), time.Since(began).Nanoseconds()))
	return opts.answer(w, r, res.data)
}

// execute runs the query on a connection that fits: the session's own, a writer or a reader.
func (f *front) execute(ctx context.Context, o options, q query) (result, error) {
	var c *conn
	if o.session != "" {
		s, err := f.pool.sessions.get(o.session, o.sessionTimeout, o.sessionCheck)
		if err != nil {
			return result{}, err
		}
		defer f.pool.sessions.put(s)
		c = s.conn
	} else {
		from := f.pool.readers
		if !q.reads() {
			from = f.pool.writers
		}
		var err error
		if c, err = f.pool.get(ctx, from); err != nil {
			return result{}, err
		}
		defer func() { f.pool.put(from, c) }()
		c.dirty = c.dirty || q.keeps
	}
	undo, err := o.apply(c)
	if err != nil {
		return result{}, err
	}
	defer undo()
	if q.verb == "USE" {
		c.database = "" // unknown from here on
	}
	if q.insert {
		return c.insert(q.head, q.format, q.body) // it ends with its body, so also when the client leaves
	}
	mark := "/* tributary " + rand.Text() + " */"
	text := q.text + "\n" + mark
	if q.verb == "INSERT" {
		text = mark + q.text // rows may follow up to the end
	}
	return f.pool.run(ctx, mark, func() (result, error) { return c.query(text, o.format) })
}

// maxDrain is how much of a refused request is read; beyond it the connection breaks.
const maxDrain = 256 << 20

// refuse answers an error as ClickHouse words it.
func (f *front) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var ex *exception
	switch {
	case errors.As(err, &ex):
	case r.Context().Err() != nil:
		ex = fail(codeCancelled, "QUERY_WAS_CANCELLED", "Query was cancelled")
	default:
		ex = newException(err.Error())
	}
	text := ex.text
	if !strings.Contains(text, "(version ") {
		text += " (version " + f.version + ")"
	}
	// A client that is still sending rows reads no answer before it is done.
	_, _ = io.CopyN(io.Discard, r.Body, maxDrain)
	h := w.Header()
	h.Set("X-ClickHouse-Exception-Code", strconv.Itoa(ex.code))
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Del("Content-Encoding")
	w.WriteHeader(ex.status())
	_, _ = io.WriteString(w, text+"\n")
}

func newQueryID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	x := hex.EncodeToString(b[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

func contentType(format string) string {
	switch f := strings.ToLower(format); {
	case f == "native" || strings.HasPrefix(f, "rowbinary") || f == "parquet" || f == "arrow":
		return "application/octet-stream"
	case f == "jsoneachrow" || strings.HasPrefix(f, "jsoncompacteachrow"):
		return "application/x-ndjson; charset=UTF-8"
	case strings.HasPrefix(f, "json"):
		return "application/json; charset=UTF-8"
	case strings.HasPrefix(f, "csv"):
		return "text/csv; charset=UTF-8; header=absent"
	case strings.HasPrefix(f, "tabseparated") || strings.HasPrefix(f, "tsv"):
		return "text/tab-separated-values; charset=UTF-8"
	}
	return "text/plain; charset=UTF-8"
}
