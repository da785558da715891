// Package clickhouse is the adapter of clickhouse-go, and its only importer besides the embedded engine's codec.
//
// It connects over HTTP, applies migrations, inserts rows and runs queries. It does not know what the rows mean.
package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Config of the connection.
type Config struct {
	// Addr of the HTTP interface, host:port, comma separated.
	Addr string `env:"ADDR" envDefault:"127.0.0.1:8123" help:"HTTP interface, host:port, comma separated"`
	// User and Password of the account.
	User     string `env:"USER" envDefault:"default" help:"account"`
	Password string `env:"PASSWORD" help:"of the account"`
	// Timeout of one statement.
	Timeout time.Duration `env:"TIMEOUT" envDefault:"60s" help:"of one statement"`
	// Waiting is told what is waited for: at once, and again every ten seconds. May be nil.
	Waiting func(why error) `env:"-"`
}

// DB is a connection pool. It is safe for concurrent use.
type DB struct {
	conn    driver.Conn
	addr    string
	waiting func(why error)
}

// Open prepares the pool; it connects at the first statement.
func Open(c Config) (*DB, error) {
	if err := checkAddresses(c.Addr); err != nil {
		return nil, err
	}
	if c.Waiting == nil {
		c.Waiting = func(error) {}
	}
	if c.Timeout <= 0 {
		c.Timeout = time.Minute
	}
	conn, err := ch.Open(&ch.Options{Protocol: ch.HTTP, Addr: strings.Split(c.Addr, ","),
		Auth:        ch.Auth{Username: c.User, Password: c.Password, Database: "default"},
		ReadTimeout: c.Timeout, DialTimeout: 5 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("open ClickHouse at %s: %w", c.Addr, err)
	}
	return &DB{conn: conn, addr: c.Addr, waiting: c.Waiting}, nil
}

// Close closes the pool.
func (d *DB) Close() error { return d.conn.Close() }

// Ping asks whether the server answers.
func (d *DB) Ping(ctx context.Context) error { return d.explain(d.conn.Ping(ctx)) }

// Exec runs one statement.
func (d *DB) Exec(ctx context.Context, statement string) error {
	return d.explain(d.conn.Exec(ctx, statement))
}

// Rows is a query's result as values of Go types; NULL is nil.
type Rows struct {
	Columns []string
	Types   []string
	Values  [][]any
}

// Select runs one query and reads the whole result.
func (d *DB) Select(ctx context.Context, query string) (Rows, error) {
	res, err := d.conn.Query(ctx, query)
	if err != nil {
		return Rows{}, d.explain(err)
	}
	defer res.Close()
	out := Rows{Columns: res.Columns()}
	types := res.ColumnTypes()
	for _, t := range types {
		out.Types = append(out.Types, t.DatabaseTypeName())
	}
	for res.Next() {
		row := make([]any, len(types))
		for i, t := range types {
			row[i] = newOf(t)
		}
		if err := res.Scan(row...); err != nil {
			return Rows{}, fmt.Errorf("read row: %w", err)
		}
		for i := range row {
			row[i] = deref(row[i])
		}
		out.Values = append(out.Values, row)
	}
	return out, d.explain(res.Err())
}

// Each runs one query and calls scan for each row; dest must match the columns.
func (d *DB) Each(ctx context.Context, query string, row func(scan func(dest ...any) error) error) error {
	res, err := d.conn.Query(ctx, query)
	if err != nil {
		return d.explain(err)
	}
	defer res.Close()
	for res.Next() {
		if err := row(res.Scan); err != nil {
			return err
		}
	}
	return d.explain(res.Err())
}

// tellEvery is how often Waiting is told what is waited for.
const tellEvery = 10 * time.Second

// WaitTable waits until the server answers and the table exists.
func (d *DB) WaitTable(ctx context.Context, table string) error {
	backoff := 50 * time.Millisecond
	var told time.Time
	for {
		err := d.Exec(ctx, "SELECT 1 FROM "+table+" LIMIT 0")
		if err == nil {
			return nil
		}
		if ctx.Err() == nil && time.Since(told) >= tellEvery {
			told = time.Now()
			d.waiting(err)
		}
		t := time.NewTimer(backoff)
		select {
		case <-ctx.Done():
			t.Stop()
			return fmt.Errorf("waited for table %s (create it with: tributary migrate): %w: %w", table, ctx.Err(), err)
		case <-t.C:
		}
		backoff = min(2*backoff, time.Second)
	}
}
