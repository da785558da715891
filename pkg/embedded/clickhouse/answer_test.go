package clickhouse_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestHead(t *testing.T) {
	for _, path := range []string{"/ping", "/"} {
		if a := do(t, http.MethodHead, server(t), path, nil, nil, nil); a.status != 200 || a.body != "" {
			t.Errorf("HEAD %s = %d %q", path, a.status, a.body)
		}
	}
	a := do(t, http.MethodHead, server(t), "/", url.Values{"query": {"SELECT 1"}, "default_format": {"CSV"}}, nil, nil)
	if a.status != 200 || a.header.Get("X-ClickHouse-Format") != "CSV" {
		t.Errorf("HEAD of a query: %d %v", a.status, a.header)
	}
	if a := do(t, http.MethodHead, server(t), "/", url.Values{"query": {"CREATE TABLE head (a UInt8) ENGINE = Memory"}}, nil, nil); a.header.Get("X-ClickHouse-Exception-Code") != "164" {
		t.Errorf("HEAD changes something: %d %v", a.status, a.header)
	}
}

func TestContentTypes(t *testing.T) {
	for format, want := range map[string]string{
		"Native": "application/octet-stream", "RowBinaryWithNamesAndTypes": "application/octet-stream", "ArrowStream": "application/octet-stream",
		"CSV": "text/csv; charset=UTF-8; header=absent", "CSVWithNames": "text/csv; charset=UTF-8; header=present",
		"TSVWithNames": "text/tab-separated-values; charset=UTF-8", "TabSeparatedRaw": "text/tab-separated-values; charset=UTF-8",
		"JSON": "application/json; charset=UTF-8", "JSONCompact": "application/json; charset=UTF-8", "JSONEachRow": "application/x-ndjson; charset=UTF-8",
		"JSONCompactEachRowWithNames": "application/x-ndjson; charset=UTF-8", "XML": "application/xml; charset=UTF-8", "Pretty": "text/plain; charset=UTF-8",
	} {
		a := do(t, http.MethodPost, server(t), "/", url.Values{"default_format": {format}}, nil, strings.NewReader("SELECT 1"))
		if got := a.header.Get("Content-Type"); a.status != 200 || got != want {
			t.Errorf("%s: %d %q, expected %q", format, a.status, got, want)
		}
	}
}

func TestSummary(t *testing.T) {
	post(t, "CREATE OR REPLACE TABLE summed (a UInt64) ENGINE = MergeTree ORDER BY a")
	for query, want := range map[string]map[string]string{
		"SELECT sum(number) FROM numbers(1000)":            {"read_rows": "1000", "result_rows": "1", "written_rows": "0"},
		"INSERT INTO summed SELECT number FROM numbers(7)": {"written_rows": "7", "written_bytes": "56"},
		"INSERT INTO summed FORMAT CSV\n1\n2\n":            {"written_rows": "2", "written_bytes": "16"},
	} {
		a := do(t, http.MethodPost, server(t), "/", nil, nil, strings.NewReader(query))
		var got map[string]string
		must(t, json.Unmarshal([]byte(a.header.Get("X-ClickHouse-Summary")), &got))
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%s: %s is %q, expected %q", query, k, got[k], v)
			}
		}
	}
}

// TestZones: blocks of the engine keep the zones of their DateTime columns back, and clients then show another hour.
func TestZones(t *testing.T) {
	c := open(t, server(t), nil)
	const tokyo, want = "toDateTime('2026-07-01 12:00:00', 'Asia/Tokyo')", "2026-07-01T12:00:00+09:00"
	post(t, "CREATE OR REPLACE TABLE zoned (at DateTime('Asia/Tokyo'), n UInt8) ENGINE = MergeTree ORDER BY n")
	post(t, "INSERT INTO zoned SELECT "+tokyo+", 1")
	for _, query := range []string{
		"SELECT " + tokyo + " AS at", "SELECT at FROM zoned; -- end", "WITH 1 AS one SELECT at FROM zoned WHERE n = one SETTINGS max_threads = 1",
		"(SELECT at FROM zoned)", "SELECT at FROM zoned FORMAT Native", "SELECT at FROM zoned FORMAT Native SETTINGS max_threads = 1", "FROM zoned SELECT at",
	} {
		var at time.Time
		if must(t, c.QueryRow(t.Context(), query).Scan(&at)); at.Format(time.RFC3339) != want {
			t.Errorf("%s: %s, expected %s", query, at.Format(time.RFC3339), want)
		}
	}
	var plain, second time.Time
	var first string
	must(t, c.QueryRow(t.Context(), "SELECT 'DateTime', toDateTime('2026-07-01 12:00:00'), "+tokyo).Scan(&first, &plain, &second))
	if got := fmt.Sprint(first, plain.Format(time.RFC3339), second.Format(time.RFC3339)); got != "DateTime2026-07-01T12:00:00Z"+want {
		t.Errorf("two times in two zones: %s", got)
	}
	a := do(t, http.MethodPost, server(t), "/", url.Values{"session_timezone": {"Asia/Tokyo"}}, nil, strings.NewReader("SELECT timezone()"))
	if got := a.header.Get("X-ClickHouse-Timezone"); got != "Asia/Tokyo" || a.body != "Asia/Tokyo\n" {
		t.Errorf("session_timezone: header %q, body %q", got, a.body)
	}
}

// TestManyBusySessions has more sessions at work at a time than the pool has connections: clients open one each.
func TestManyBusySessions(t *testing.T) {
	const n = 24
	var clients sync.WaitGroup
	for i := range n {
		clients.Go(func() {
			for range 3 {
				a := do(t, http.MethodPost, server(t), "/", url.Values{"session_id": {fmt.Sprint("busy", i)}}, nil, strings.NewReader("SELECT sleep(0.05)"))
				if a.status != 200 {
					t.Errorf("session %d: %d %s", i, a.status, a.body)
				}
			}
		})
	}
	clients.Wait()
}

// TestOtherOrigins: a browser says where a page comes from; others say nothing.
func TestOtherOrigins(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		header http.Header
		want   int
	}{
		"a page elsewhere":              {http.MethodPost, http.Header{"Origin": {"https://evil.example"}}, 403},
		"a page elsewhere, new browser": {http.MethodPost, http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403},
		"a page of the engine":          {http.MethodPost, http.Header{"Origin": {"http://" + server(t)}}, 200},
		"no page":                       {http.MethodPost, nil, 200},
		"a link, which changes nothing": {http.MethodGet, http.Header{"Sec-Fetch-Site": {"cross-site"}}, 200},
	} {
		a := do(t, c.method, server(t), "/", url.Values{"query": {"SELECT 1"}}, c.header, nil)
		if a.status != c.want || c.want == 200 && a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d %q, expected %d", name, a.status, a.body, c.want)
		}
	}
}
