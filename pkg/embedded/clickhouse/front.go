package clickhouse

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
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
	origins  *http.CrossOriginProtection
	requests sync.WaitGroup // they hold connections
}

func newFront(p *pool) (*front, error) {
	id, err := p.identity()
	return &front{pool: p, identity: id, origins: http.NewCrossOriginProtection()}, err
}

// ServeHTTP routes: queries at /, the health check at /ping, and the rest is named in a 501.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.requests.Add(1)
	defer f.requests.Done()
	w.Header().Set("X-ClickHouse-Server-Display-Name", f.name)
	err := f.origins.Check(r)
	switch {
	case err != nil:
		// Without a password, any page in the user's browser could send statements, and the engine reads and writes files.
		err = fail(codeAuthentication, "AUTHENTICATION_FAILED", "The embedded engine takes no statements from web pages of another origin: %v", err)
	case r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodHead:
		err = unsupported("the method %s", r.Method)
	case r.URL.Path == "/ping", r.URL.Path == "/" && r.Method != http.MethodPost && r.URL.RawQuery == "":
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		_, _ = io.WriteString(w, "Ok.\n")
		return
	case r.URL.Path != "/":
		err = unsupported("the path %s", r.URL.Path)
	default:
		err = f.serve(w, r)
	}
	if err != nil {
		f.refuse(w, r, err)
	}
}

// serve answers one query.
func (f *front) serve(w http.ResponseWriter, r *http.Request) error {
	in, err := readForm(r)
	if err != nil {
		return err
	}
	opts, err := readOptions(r, in.Values)
	if err != nil {
		return err
	}
	w.Header().Set("X-ClickHouse-Query-Id", opts.queryID) // refusals have them too
	w.Header().Set("X-ClickHouse-Timezone", f.timezone)
	if err := opts.authenticate(r, in.Values); err != nil {
		return err
	}
	q, err := readQuery(r, opts, in.whole)
	if err != nil {
		return err
	}
	began := time.Now()
	res, err := f.execute(r.Context(), opts, q, in)
	if err != nil {
		return err
	}
	return f.respond(w, r, opts, q, res, began)
}

// execute runs the query on a connection that fits: the session's own, a writer or a reader.
func (f *front) execute(ctx context.Context, o options, q query, in form) (result, error) {
	c, release, err := f.connection(ctx, o, q)
	if err != nil {
		return result{}, err
	}
	defer release()
	undo, err := o.apply(c)
	if err != nil {
		return result{}, err
	}
	defer undo()
	drop, err := in.create(c)
	if err != nil {
		return result{}, err
	}
	defer drop()
	if q.verb == "USE" {
		c.database = "" // unknown from here on
	}
	if q.insert {
		return c.insert(q.head, q.format, q.body) // it ends with its body, so also when the client leaves
	}
	m := mark(o.queryID)
	text := q.text + "\n" + m
	if q.verb == "INSERT" {
		text = m + q.text // rows may follow up to the end
	}
	res, err := f.pool.run(ctx, m, func() (result, error) { return c.query(text, o.format) })
	if err != nil {
		return result{}, unmarked(err, m)
	}
	res.zones = f.zones(ctx, c, o, q, res.data)
	return res, nil
}

// connection takes one for the query; release gives it back.
func (f *front) connection(ctx context.Context, o options, q query) (c *conn, release func(), err error) {
	if o.session != "" {
		s, err := f.pool.sessions.get(o.session, o.sessionTimeout, o.sessionCheck)
		if err != nil {
			return nil, nil, err
		}
		return s.conn, func() { f.pool.sessions.put(s) }, nil
	}
	if q.verb == "KILL" { // it may be what frees the others
		if c, err = f.pool.open(); err != nil {
			return nil, nil, err
		}
		return c, c.close, nil
	}
	from := f.pool.readers
	if !q.reads() {
		from = f.pool.writers
	}
	if c, err = f.pool.get(ctx, from); err != nil {
		return nil, nil, err
	}
	c.dirty = c.dirty || q.keeps
	return c, func() { f.pool.put(from, c) }, nil
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
