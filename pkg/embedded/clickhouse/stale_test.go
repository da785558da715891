package clickhouse_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestNothingIsLeftOfAFailedAnswer fails after many rows, which the engine keeps in its connection: they must not come
// before the next answer, neither in the pool nor in a session.
func TestNothingIsLeftOfAFailedAnswer(t *testing.T) {
	for _, format := range []string{"TabSeparated", "JSON", "Native"} {
		for _, session := range []string{"", "failing"} {
			params := func(query string) url.Values {
				v := url.Values{"query": {query}, "default_format": {format}}
				if session != "" {
					v.Set("session_id", session)
				}
				return v
			}
			want := do(t, http.MethodPost, server(t), "/", params("SELECT 'x' AS a FORMAT CSV"), nil, nil).body
			for _, query := range []string{"SELECT throwIf(number = 150000) FROM numbers(200000)", "SELECT number, sleepEachRow(0.005) FROM numbers(1000) SETTINGS max_execution_time = 0.1, max_block_size = 10"} {
				for range 4 { // every connection of the pool
					if a := do(t, http.MethodPost, server(t), "/", params(query), nil, nil); a.status < 400 || !strings.HasPrefix(a.body, "Code: ") {
						t.Errorf("%s, %s: %d %.100q", format, query, a.status, a.body)
					}
				}
				for range 4 {
					if got := do(t, http.MethodPost, server(t), "/", params("SELECT 'x' AS a FORMAT CSV"), nil, nil).body; got != want {
						t.Errorf("%s, session %q: after %q the answer has %d bytes, expected %q", format, session, query, len(got), want)
					}
				}
			}
		}
	}
}

// TestSessionAfterABrokenInsert breaks an insert off in a session: its next statement is not the insert's to end.
func TestSessionAfterABrokenInsert(t *testing.T) {
	post(t, "CREATE OR REPLACE TABLE torn_session (a UInt64) ENGINE = MergeTree ORDER BY a")
	post(t, "CREATE OR REPLACE TEMPORARY TABLE kept AS SELECT 5 AS a", "session_id", "torn")
	v := url.Values{"query": {"INSERT INTO torn_session FORMAT CSV"}, "session_id": {"torn"}}
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		body, w := io.Pipe()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+server(t)+"/?"+v.Encode(), body)
		must(t, err)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if res, err := plain.Do(req); err == nil {
				res.Body.Close()
			}
		}()
		_, err = io.WriteString(w, strings.Repeat("1\n", 1<<20))
		must(t, err)
		cancel()
		w.CloseWithError(ctx.Err())
		<-done
		var a answer
		eventually(t, "the session is free", func() bool {
			a = do(t, http.MethodPost, server(t), "/", url.Values{"session_id": {"torn"}}, nil, strings.NewReader("SELECT a, (SELECT count() FROM torn_session) FROM kept"))
			return a.header.Get("X-ClickHouse-Exception-Code") != "373" // locked
		})
		if a.status != 200 || a.body != "5\t0\n" {
			t.Errorf("the next statement of the session: %d %q", a.status, a.body)
		}
	}
}
