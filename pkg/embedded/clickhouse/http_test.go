package clickhouse_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	chcompress "github.com/ClickHouse/ch-go/compress"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

func TestPing(t *testing.T) {
	for _, path := range []string{"/ping", "/"} {
		if a := do(t, http.MethodGet, server(t), path, nil, nil, nil); a.status != 200 || a.body != "Ok.\n" {
			t.Errorf("GET %s = %d %q", path, a.status, a.body)
		}
	}
}

func TestWhereTheQueryIs(t *testing.T) {
	post(t, "CREATE OR REPLACE TABLE places (a UInt32, s String) ENGINE = MergeTree ORDER BY a")
	for _, c := range []struct{ method, url, body string }{
		{http.MethodPost, "INSERT INTO places FORMAT CSV", "1,\"a;b\"\n2,b\n"},
		{http.MethodPost, "", "INSERT INTO places FORMAT CSV\n3,\"a;b\"\n4,{x:String}\n"},
		{http.MethodPost, "", "INSERT INTO places (a, s) VALUES (5, 'x;y'), (6, '--z')"},
		{http.MethodPost, "INSERT INTO places VALUES", "(7, 'u'), (8, 'v')"},
		{http.MethodPost, "INSERT INTO places (s, a) FORMAT JSONEachRow", `{"a": 9, "s": "j"} {"a": 10, "s": "k"}`},
		{http.MethodPost, "", "INSERT INTO places SELECT 11, 's'"},
		{http.MethodPost, "INSERT INTO places FORMAT TabSeparated 12\tt", "\n13\tu\n"},
	} {
		v := url.Values{}
		if c.url != "" {
			v.Set("query", c.url)
		}
		if a := do(t, c.method, server(t), "/", v, nil, strings.NewReader(c.body)); a.status != 200 || a.body != "" {
			t.Errorf("%q with body %q: %d %s", c.url, c.body, a.status, a.body)
		}
	}
	if got := post(t, "SELECT count(), sum(a), countIf(s = 'a;b'), countIf(s = '{x:String}') FROM places"); got != "13\t91\t2\t1\n" {
		t.Errorf("the table holds %q", got)
	}
	for name, a := range map[string]answer{
		"GET, URL":       do(t, http.MethodGet, server(t), "/", url.Values{"query": {"SELECT 1 + 1"}}, nil, nil),
		"POST, body":     do(t, http.MethodPost, server(t), "/", nil, nil, strings.NewReader("SELECT 1 + 1;  -- comment")),
		"URL and body":   do(t, http.MethodPost, server(t), "/", url.Values{"query": {"SELECT 1 +"}}, nil, strings.NewReader("1")),
		"ends in a line": do(t, http.MethodPost, server(t), "/", nil, nil, strings.NewReader("/* SELECT 3 */ SELECT 1 + 1 -- comment")),
	} {
		if a.status != 200 || a.body != "2\n" {
			t.Errorf("%s: %d %q", name, a.status, a.body)
		}
	}
}

func TestParameters(t *testing.T) {
	for _, c := range []struct{ query, value, want string }{
		{"SELECT {p:String}", `it's "q" \\ back\ttab\nline`, `it\'s "q" \\ back\ttab\nline`},
		{"SELECT {p:String}", `'); DROP TABLE places; --`, `\'); DROP TABLE places; --`},
		{"SELECT {p:String}", `ends with \\`, `ends with \\`},
		{"SELECT {p : LowCardinality(String)}", "x", "x"},
		{"SELECT toTypeName({p:UInt8}), {p:UInt8} + 1", "41", "UInt8\t42"},
		{"SELECT {p:Int64}", "-9223372036854775808", "-9223372036854775808"},
		{"SELECT {p:Float64}", "1e-3", "0.001"},
		{"SELECT {p:Bool}", "true", "true"},
		{"SELECT {p:Nullable(String)} IS NULL", `\N`, "1"},
		{"SELECT {p:Nullable(UInt8)}", "7", "7"},
		{"SELECT {p:Array(String)}", `['it\'s','b\\c','d,e']`, `['it\'s','b\\c','d,e']`},
		{"SELECT {p:Array(UInt32)}[2]", "[1,2,3]", "2"},
		{"SELECT {p:Array(Date)}", "['2026-01-02']", "['2026-01-02']"},
		{"SELECT {p:Map(String, UInt8)}['b']", `{'a':1,'b':2}`, "2"},
		{"SELECT {p:Tuple(UInt8, String)}", `(1,'x')`, `(1,'x')`},
		{"SELECT {p:Date} + 1", "2026-01-31", "2026-02-01"},
		{"SELECT {p:DateTime('UTC')}", "2026-01-31 01:02:03", "2026-01-31 01:02:03"},
		{"SELECT {p:DateTime64(3, 'UTC')}", "2026-01-31 01:02:03.456", "2026-01-31 01:02:03.456"},
		{"SELECT {p:Decimal(9, 2)}", "12.30", "12.3"},
		{"SELECT {p:UUID}", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
		{"SELECT {p:Enum8('a' = 1, 'b' = 2)}", "b", "b"},
		{"SELECT name FROM system.{p:Identifier}", "one` WHERE 1 --", ""},
		{"SELECT dummy FROM system.{p:Identifier}", "one", "0"},
		{"SELECT number FROM numbers(5) LIMIT {p:UInt64}", "1", "0"},
		{"SELECT '{p:String}', 1 -- {p:String}", "x", "{p:String}\t1"},
	} {
		v := url.Values{"param_p": {c.value}}
		a := do(t, http.MethodPost, server(t), "/", v, nil, strings.NewReader(c.query))
		if c.want == "" {
			if a.status == 200 {
				t.Errorf("%s with %q was accepted: %q", c.query, c.value, a.body)
			}
			continue
		}
		if got := strings.TrimSuffix(a.body, "\n"); a.status != 200 || got != c.want {
			t.Errorf("%s with %q: %d %q, expected %q", c.query, c.value, a.status, got, c.want)
		}
	}
	refused(t, "SELECT {p:UInt8}", 500, 456)
	refused(t, "SELECT {p:UInt8}", 400, 6, "param_p", "1) OR (1")
}

// refused expects a status (0: any error) and a code.
func refused(t testing.TB, query string, status, code int, params ...string) answer {
	t.Helper()
	v := url.Values{}
	for i := 0; i < len(params); i += 2 {
		v.Set(params[i], params[i+1])
	}
	a := do(t, http.MethodPost, server(t), "/", v, nil, strings.NewReader(query))
	if a.status < 400 || status != 0 && a.status != status {
		t.Errorf("%s: status %d, expected %d: %s", query, a.status, status, a.body)
	}
	if got := a.header.Get("X-ClickHouse-Exception-Code"); got != fmt.Sprint(code) {
		t.Errorf("%s: exception code %s, expected %d: %s", query, got, code, a.body)
	}
	if !strings.HasPrefix(a.body, fmt.Sprintf("Code: %d. DB::Exception: ", code)) || !strings.Contains(a.body, "(version 26.") {
		t.Errorf("%s: body %q is not worded as ClickHouse's", query, a.body)
	}
	return a
}

func TestErrors(t *testing.T) {
	refused(t, "SELECT * FROM nope", 404, 60)
	refused(t, "SELECT nope", 404, 47)
	refused(t, "SELEC 1", 400, 62)
	refused(t, "1 + 1", 400, 62)
	if a := refused(t, "SELECT 1 FROM", 400, 62); strings.Contains(a.body, "tributary") {
		t.Errorf("an error shows the front's own comment: %q", a.body)
	}
	refused(t, "SELECT 1; SELECT 2", 400, 62)
	refused(t, "", 400, 62)
	refused(t, "SELECT 1", 404, 81, "database", "nope")
	refused(t, "SELECT 1", 404, 115, "nosuchsetting", "1")
	refused(t, "SELECT throwIf(1)", 500, 395)
	refused(t, "SELECT 1 FORMAT Nope", 404, 73)
	refused(t, "INSERT INTO nope FORMAT CSV\n1", 404, 60)
	refused(t, "CREATE TABLE ro (a UInt8) ENGINE = Memory", 500, 164, "readonly", "1")
	refused(t, "SELECT sum(sipHash64(number)) FROM numbers(100000000000)", 408, 159, "max_execution_time", "0.1")
	refused(t, "SELECT 1", 403, 516, "user", "default", "password", "wrong")
	refused(t, "SELECT 1", 403, 516, "user", "someone")
	refused(t, "SELECT 1", 404, 511, "role", "analyst")
	if a := do(t, http.MethodGet, server(t), "/", url.Values{"query": {"CREATE TABLE ro (a UInt8) ENGINE = Memory"}}, nil, nil); !strings.HasPrefix(a.body, "Code: 164.") {
		t.Errorf("GET of a CREATE: %d %s", a.status, a.body)
	}
	if a := do(t, http.MethodPost, server(t), "/", nil, http.Header{"X-Clickhouse-User": {"default"}, "X-Clickhouse-Key": {"x"}}, strings.NewReader("SELECT 1")); a.status != 403 {
		t.Errorf("wrong X-ClickHouse-Key: %d", a.status)
	}
	post(t, "CREATE OR REPLACE TABLE bad (a UInt8) ENGINE = MergeTree ORDER BY a")
	refused(t, "INSERT INTO bad FORMAT CSV\nx", 400, 117)
	if got := post(t, "SELECT 1 + 1"); got != "2\n" { // nothing stuck
		t.Errorf("after errors: %q", got)
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	for _, c := range []struct {
		method, path, names string
		params              url.Values
		header              http.Header
	}{
		{http.MethodGet, "/play", "the path /play", nil, nil},
		{http.MethodGet, "/replicas_status", "the path /replicas_status", nil, nil},
		{http.MethodPut, "/", "the method PUT", nil, nil},
		{http.MethodPost, "/", "KILL QUERY ... SYNC", url.Values{"query": {"KILL QUERY WHERE query_id = 'x' SYNC"}}, nil},
		{http.MethodPost, "/", "Content-Encoding br", nil, http.Header{"Content-Encoding": {"br"}}},
		{http.MethodPost, "/", "INTO OUTFILE", url.Values{"query": {"SELECT 1 INTO OUTFILE 'x'"}}, nil},
		{http.MethodPost, "/", "tokens", url.Values{"query": {"SELECT 1"}}, http.Header{"Authorization": {"Bearer x"}}},
		{http.MethodPost, "/", "the type JSON", url.Values{"query": {"SELECT '{}'::JSON"}, "default_format": {"Native"}, "client_protocol_version": {"54460"}}, nil},
		{http.MethodPost, "/", "the type AggregateFunction", url.Values{"query": {"SELECT sumState(1)"}, "default_format": {"Native"}, "client_protocol_version": {"54460"}}, nil},
	} {
		a := do(t, c.method, server(t), c.path, c.params, c.header, nil)
		if a.status != http.StatusNotImplemented || !strings.Contains(a.body, "does not support "+c.names) {
			t.Errorf("%s %s: %d %q, expected a 501 that names %q", c.method, c.path, a.status, a.body, c.names)
		}
	}
}

func TestDatabaseFormatAndHeaders(t *testing.T) {
	post(t, "CREATE DATABASE IF NOT EXISTS `odd``name`")
	if got := post(t, "SELECT currentDatabase()", "database", "odd`name"); got != "odd`name\n" {
		t.Errorf("database: %q", got)
	}
	if got := post(t, "SELECT currentDatabase()"); got != "default\n" {
		t.Errorf("the next request is in %q", got)
	}
	if got := post(t, "SELECT 1 AS a, 'x' AS b", "default_format", "CSVWithNames"); got != "\"a\",\"b\"\n1,\"x\"\n" {
		t.Errorf("default_format: %q", got)
	}
	a := do(t, http.MethodPost, server(t), "/", url.Values{"query": {"SELECT 1 AS a FORMAT JSONEachRow"}, "query_id": {"my-id"}, "default_format": {"CSV"}}, nil, nil)
	for k, want := range map[string]string{"X-ClickHouse-Format": "JSONEachRow", "X-ClickHouse-Query-Id": "my-id", "X-ClickHouse-Timezone": "UTC",
		"Content-Type": "application/x-ndjson; charset=UTF-8"} {
		if got := a.header.Get(k); got != want {
			t.Errorf("header %s is %q, expected %q", k, got, want)
		}
	}
	if a.body != "{\"a\":1}\n" || !strings.Contains(a.header.Get("X-ClickHouse-Summary"), `"read_rows":"1"`) {
		t.Errorf("answer %q, summary %q", a.body, a.header.Get("X-ClickHouse-Summary"))
	}
}

func TestSettingsStayWithTheirRequest(t *testing.T) {
	const q = "SELECT getSetting('max_block_size'), getSetting('max_threads')"
	before := post(t, q)
	if got := post(t, q, "max_block_size", "77", "max_threads", "1"); got != "77\t1\n" {
		t.Errorf("settings of the URL: %q", got)
	}
	post(t, "SET max_block_size = 78")
	post(t, "USE system")
	post(t, "CREATE TEMPORARY TABLE tt (a UInt8)")
	for range 8 { // every connection of the pool
		if got := post(t, q); got != before {
			t.Errorf("settings leaked: %q, before %q", got, before)
		}
		if got := post(t, "SELECT currentDatabase()"); got != "default\n" {
			t.Errorf("database leaked: %q", got)
		}
	}
	refused(t, "SELECT * FROM tt", 404, 60)
}

func TestSessions(t *testing.T) {
	post(t, "SET max_block_size = 79", "session_id", "s1")
	post(t, "CREATE TEMPORARY TABLE tt AS SELECT 5 AS a", "session_id", "s1")
	if got := post(t, "SELECT a, getSetting('max_block_size') FROM tt", "session_id", "s1"); got != "5\t79\n" {
		t.Errorf("the session forgot: %q", got)
	}
	if got := post(t, "SELECT getSetting('max_block_size')", "session_id", "s1", "max_block_size", "80"); got != "80\n" {
		t.Errorf("a setting of the URL in a session: %q", got)
	}
	if got := post(t, "SELECT getSetting('max_block_size')", "session_id", "s1"); got != "79\n" {
		t.Errorf("the session's own setting is %q afterwards", got)
	}
	refused(t, "SELECT * FROM tt", 404, 60, "session_id", "s2")
	refused(t, "SELECT 1", 404, 372, "session_id", "nobody", "session_check", "1")
	for i := range 70 { // more than are kept: the oldest make room
		post(t, "SELECT 1", "session_id", fmt.Sprint("many", i))
	}
}

func TestCompressedBodies(t *testing.T) {
	post(t, "CREATE OR REPLACE TABLE packed (s String) ENGINE = MergeTree ORDER BY s")
	pack := map[string]func(io.Writer) io.WriteCloser{
		"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"lz4":  func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) },
		"zstd": func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
	}
	for enc, f := range pack {
		var b bytes.Buffer
		w := f(&b)
		_, _ = io.WriteString(w, "\""+enc+"\"\n")
		_ = w.Close()
		a := do(t, http.MethodPost, server(t), "/", url.Values{"query": {"INSERT INTO packed FORMAT CSV"}}, http.Header{"Content-Encoding": {enc}}, &b)
		if a.status != 200 {
			t.Errorf("%s: %d %s", enc, a.status, a.body)
		}
	}
	z := chcompress.NewWriter(chcompress.LevelZero, chcompress.LZ4)
	must(t, z.Compress([]byte("native\n")))
	if a := do(t, http.MethodPost, server(t), "/", url.Values{"query": {"INSERT INTO packed FORMAT CSV"}, "decompress": {"1"}}, nil, bytes.NewReader(z.Data)); a.status != 200 {
		t.Errorf("decompress=1: %d %s", a.status, a.body)
	}
	if got := post(t, "SELECT s FROM packed ORDER BY s"); got != "gzip\nlz4\nnative\nzstd\n" {
		t.Errorf("the table holds %q", got)
	}
	if a := do(t, http.MethodPost, server(t), "/", url.Values{"query": {"INSERT INTO packed FORMAT CSV"}}, http.Header{"Content-Encoding": {"gzip"}}, strings.NewReader("no gzip")); a.status < 400 {
		t.Errorf("a body that is no gzip: %d", a.status)
	}
}

func TestCompressedAnswers(t *testing.T) {
	const query, want = "SELECT repeat('x', 1000), number FROM numbers(3000) FORMAT CSV", 3000
	unpack := map[string]func(io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"lz4":  func(r io.Reader) (io.Reader, error) { return lz4.NewReader(r), nil },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	}
	lines := func(r io.Reader) int {
		b, err := io.ReadAll(r)
		if err != nil && !errors.Is(err, io.EOF) { // ch-go wraps it
			t.Fatal(err)
		}
		return bytes.Count(b, []byte("\n"))
	}
	for enc, f := range unpack {
		a := do(t, http.MethodPost, server(t), "/", url.Values{"query": {query}, "enable_http_compression": {"1"}}, http.Header{"Accept-Encoding": {enc}}, nil)
		r, err := f(strings.NewReader(a.body))
		must(t, err)
		if n := lines(r); a.header.Get("Content-Encoding") != enc || n != want {
			t.Errorf("%s: Content-Encoding %q, %d lines", enc, a.header.Get("Content-Encoding"), n)
		}
		a = do(t, http.MethodPost, server(t), "/", url.Values{"query": {query}, "enable_http_compression": {"0"}}, http.Header{"Accept-Encoding": {enc}}, nil)
		if n := lines(strings.NewReader(a.body)); a.header.Get("Content-Encoding") != "" || n != want {
			t.Errorf("%s switched off: Content-Encoding %q, %d lines", enc, a.header.Get("Content-Encoding"), n)
		}
	}
	for _, method := range []string{"LZ4", "ZSTD"} {
		a := do(t, http.MethodPost, server(t), "/", url.Values{"query": {query}, "compress": {"1"}, "network_compression_method": {method}}, nil, nil)
		if n := lines(chcompress.NewReader(strings.NewReader(a.body))); n != want {
			t.Errorf("compress=1 with %s: %d lines", method, n)
		}
	}
}

// TestCancelledRequests leaves more statements than there are connections, and then needs all of them.
func TestCancelledRequests(t *testing.T) {
	addr := server(t)
	for i := range 6 {
		ctx, cancel := context.WithCancel(t.Context())
		query := fmt.Sprintf("SELECT sum(sipHash64(number)) FROM numbers(100000000000) SETTINGS log_comment = 'cancel-%d'", i)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/", strings.NewReader(query))
		must(t, err)
		done := make(chan struct{})
		go func() {
			if res, err := plain.Do(req); err == nil {
				res.Body.Close()
			}
			close(done)
		}()
		eventually(t, "the statement runs", func() bool {
			return post(t, fmt.Sprintf("SELECT count() FROM system.processes WHERE query LIKE '%%cancel-%d''%%' AND query NOT LIKE '%%system.processes%%'", i)) == "1\n"
		})
		cancel()
		<-done
	}
	eventually(t, "nothing runs", func() bool {
		return post(t, "SELECT count() FROM system.processes WHERE query LIKE '%cancel-%' AND query NOT LIKE '%system.processes%'") == "0\n"
	})
}

// TestCancelledInsert breaks off in the middle of the rows: none of them may appear, and the writers stay usable.
func TestCancelledInsert(t *testing.T) {
	post(t, "CREATE OR REPLACE TABLE torn (a UInt64) ENGINE = MergeTree ORDER BY a")
	for range 4 {
		ctx, cancel := context.WithCancel(t.Context())
		body, w := io.Pipe()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+server(t)+"/?query=INSERT+INTO+torn+FORMAT+CSV", body)
		must(t, err)
		done := make(chan struct{})
		go func() {
			if res, err := plain.Do(req); err == nil {
				res.Body.Close()
			}
			close(done)
		}()
		_, err = io.WriteString(w, strings.Repeat("1\n", 1000))
		must(t, err)
		cancel()
		w.CloseWithError(ctx.Err()) // the client waits for its body
		<-done
	}
	for range 4 {
		post(t, "INSERT INTO torn VALUES (2)")
	}
	if got := post(t, "SELECT count(), sum(a) FROM torn"); got != "4\t8\n" {
		t.Errorf("the table holds %q", got)
	}
}

func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !f(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long until %s", what)
		}
	}
}
