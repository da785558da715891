// Package clickhouse is the laptop's engine: libchdb, a ClickHouse in a shared library, behind ClickHouse's HTTP
// protocol. Clients of a real server work unchanged.
//
// It serves demo, dev and tests on one machine, with one account and no TLS. What a real server would do and this
// one does not, it answers with status 501 and the name of the thing. One process holds one data folder.
//
// What the engine in a library cannot do, and what comes instead:
//
//   - An answer is complete before its first byte: an error never comes after rows, there are no progress headers while
//     a statement runs (send_progress_in_http_headers is taken and does nothing), and answers must fit into memory.
//   - Native blocks with the types JSON, Dynamic, Variant and AggregateFunction are refused with 501, for clients that
//     ask for a revision of the protocol (Native without one, and other formats, carry them).
//   - Statements have ids of the engine's own in system.processes. KILL QUERY WHERE query_id = ... means the client's id;
//     KILL QUERY ... SYNC is refused with 501, since it would wait for ever.
//   - There is one account, default without a password: others are refused with 403 (code 516), a role with 404 (code
//     511), tokens with 501.
//   - Request bodies may be gzip, deflate, lz4, zstd or ClickHouse's own blocks; Brotli and others are refused with 501.
//     Who accepts nothing but those for the answer gets it plain.
//   - No page of another origin may send statements or read answers (403, and add_http_cors_header does nothing), since
//     the account has no password.
//   - The engine has its process's rights to files: the table function file and, in the database default, names of tables
//     that are paths. Run it in an empty working folder, or a bare name of a file there is taken for a table.
//   - Paths other than / and /ping, as /play, are refused with 501.
//   - Asynchronous inserts are made at once.
package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/tributary-data/tributary/pkg/obs"
)

// Config of the engine.
type Config struct {
	// Addr to listen on, host:port; port 0 takes a free one.
	Addr string
	// DataDir keeps databases and tables.
	DataDir string
	// Library is the path of libchdb.so (libchdb.dylib on macOS). Fetch gets it.
	Library string
}

// Server is the engine and its HTTP front. Run serves it.
type Server struct{ config Config }

// New checks the configuration; it loads and opens nothing.
func New(c Config) (*Server, error) {
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		return nil, fmt.Errorf("engine address %q: expected host:port, such as 127.0.0.1:8123: %w", c.Addr, err)
	}
	if c.DataDir == "" {
		return nil, errors.New("the engine needs a data folder")
	}
	if c.Library == "" {
		return nil, errors.New("the engine needs the path of its library: set TRIBUTARY_ENGINE or fetch it")
	}
	return &Server{config: c}, nil
}

// drainWithin is how long requests may take to end after ctx; then their statements are killed.
const drainWithin = 5 * time.Second

// Run serves until ctx ends, then lets requests finish and closes the engine. It calls ready once with the address
// to connect to. A server can run again after Run returned.
func (s *Server) Run(ctx context.Context, ready func(addr string)) error {
	if err := os.MkdirAll(s.config.DataDir, 0o755); err != nil {
		return fmt.Errorf("create the engine's data folder: %w", err)
	}
	lib, err := load(s.config.Library)
	if err != nil {
		return err
	}
	l, err := obs.Listen(s.config.Addr)
	if err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	defer l.Close()
	p, err := openPool(ctx, lib, s.config.DataDir)
	if err != nil {
		return fmt.Errorf("open the engine on %s: %w", s.config.DataDir, err)
	}
	defer p.close()
	f, err := newFront(p)
	if err != nil {
		return err
	}
	defer f.requests.Wait() // before the pool closes
	return serve(ctx, l, f, ready)
}

// serve runs the HTTP server and drains it.
func serve(ctx context.Context, l net.Listener, h http.Handler, ready func(addr string)) error {
	requests, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	srv := &http.Server{Handler: h, BaseContext: func(net.Listener) context.Context { return requests }, ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	if ready != nil {
		ready(l.Addr().String())
	}
	select {
	case err := <-done:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(requests, drainWithin)
	defer cancel()
	if srv.Shutdown(drain) != nil {
		kill()          // ends statements
		_ = srv.Close() // ends inserts that wait for rows
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	return nil
}

// identity is what the engine says of itself, for headers and error texts.
type identity struct{ version, timezone, name string }

func (p *pool) identity() (identity, error) {
	c := <-p.readers
	defer p.put(p.readers, c)
	r, err := c.query("SELECT version(), timezone(), displayName()", "TSV")
	if err != nil {
		return identity{}, fmt.Errorf("ask the engine for its version: %w", err)
	}
	f := strings.Split(strings.TrimSpace(string(r.data)), "\t")
	if len(f) != 3 {
		return identity{}, fmt.Errorf("the engine's version is %q", r.data)
	}
	return identity{f[0], f[1], f[2]}, nil
}
