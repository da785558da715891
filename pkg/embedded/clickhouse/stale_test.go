package clickhouse_test

import (
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
