package clients_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
)

// curl runs curl and returns what it prints.
func curl(t *testing.T, args ...string) string {
	t.Helper()
	harness.Tools(t, "curl (on Debian and Ubuntu: apt-get install curl)", "curl")
	var stderr strings.Builder
	c := exec.CommandContext(t.Context(), "curl", append([]string{"-sS", "--max-time", "60"}, args...)...)
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("curl %q: %v\n%s", args, err, stderr.String())
	}
	return string(out)
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Ensure that every type comes back from a file that curl wrote, in every format, plain and compressed both ways.
func TestCurlTypes(t *testing.T) {
	addr, columns := start(t)
	url := "http://" + addr + "/?output_format_json_quote_denormals=1"
	for _, f := range rawFormats {
		plain := filepath.Join(t.TempDir(), "reference."+f)
		curl(t, url, "--data-binary", "SELECT * FROM reference ORDER BY n FORMAT "+f, "-o", plain)
		data, err := os.ReadFile(plain)
		if err != nil {
			t.Fatal(err)
		}
		if again := curl(t, "--compressed", url, "--data-binary", "SELECT * FROM reference ORDER BY n FORMAT "+f); again != string(data) {
			t.Errorf("%s: compressed, the answer is another one", f)
		}
		for table, file := range map[string]string{"curl_" + f: plain, "curl_gz_" + f: write(t, "gz", zipped(t, data))} {
			curl(t, url, "--data-binary", columns.create(table))
			args := []string{"--data-binary", "@" + file, "-w", "%{http_code}", "http://" + addr + "/?query=INSERT%20INTO%20" + table + "%20FORMAT%20" + f}
			if strings.HasPrefix(table, "curl_gz") {
				args = append(args, "-H", "Content-Encoding: gzip")
			}
			if got := curl(t, args...); got != "200" {
				t.Errorf("%s: the insert answers %s", table, got)
			}
			columns.expectSame(t, table)
		}
	}
}

// Ensure that times far beyond what some clients can hold come back as they are.
func TestCurlFarTimes(t *testing.T) {
	addr, _ := start(t)
	for _, at := range []string{"1900-01-01 00:00:00.000", "2299-12-31 23:59:59.999"} {
		if got := curl(t, "-G", "http://"+addr+"/", "--data-urlencode", "query=SELECT {at:DateTime64(3, 'UTC')}", "--data-urlencode", "param_at="+at); got != at+"\n" {
			t.Errorf("%s came back as %q", at, got)
		}
	}
}

// way is a use of curl, and what it prints.
type way struct {
	name, want string
	args       []string
}

func curlWays(t *testing.T, url string) []way {
	status := []string{"-w", "%{http_code} %header{x-clickhouse-exception-code}", "-o", filepath.Join(t.TempDir(), "body")}
	ext := write(t, "ext.tsv", []byte("1\ta\n2\tb\n"))
	return []way{
		{"a ping", "Ok.\n", []string{url + "ping"}},
		{"a ping of the root", "Ok.\n", []string{url}},
		{"HEAD", "200 ", append([]string{"-I", url + "ping"}, status...)},
		{"GET", "2\n", []string{"-G", url, "--data-urlencode", "query=SELECT 1 + 1"}},
		{"a parameter", "it\\'s\\t+\n", []string{"-G", url, "--data-urlencode", "query=SELECT {x:String}", "--data-urlencode", "param_x=it's\\t+"}},
		{"a form", "it\\'s\n", []string{url, "-F", "query=SELECT {x:String}", "-F", "param_x=it's"}},
		{"an external table", "2\tb\n", []string{url + "?query=SELECT+*+FROM+ext+WHERE+a=2&ext_structure=a+UInt8,b+String", "-F", "ext=@" + ext}},
		{"types of an external table", "3\n", []string{url + "?query=SELECT+sum(_1)+FROM+ext&ext_types=UInt8,String", "-F", "ext=@" + ext}},
		{"a database", "system\n", []string{url + "?database=system", "-d", "SELECT currentDatabase()"}},
		{"a database in a header", "system\n", []string{url, "-H", "X-ClickHouse-Database: system", "-d", "SELECT currentDatabase()"}},
		{"a format", "{\"a\":1}\n", []string{url + "?default_format=JSONEachRow", "-d", "SELECT 1 AS a"}},
		{"a format in a header", "1\n", []string{url, "-H", "X-ClickHouse-Format: CSV", "-d", "SELECT 1 AS a"}},
		{"basic authentication", "1\n", []string{"-u", "default:", url, "-d", "SELECT 1"}},
		{"a wrong password", "403 516", append([]string{"-u", "default:x", url, "-d", "SELECT 1"}, status...)},
		{"authentication by headers", "1\n", []string{"-H", "X-ClickHouse-User: default", "-H", "X-ClickHouse-Key;", url, "-d", "SELECT 1"}},
		{"a wrong user in a header", "403 516", append([]string{"-H", "X-ClickHouse-User: x", url, "-d", "SELECT 1"}, status...)},
		{"authentication in the URL", "1\n", []string{url + "?user=default&password=", "-d", "SELECT 1"}},
		{"a wrong password in the URL", "403 516", append([]string{url + "?user=default&password=x", "-d", "SELECT 1"}, status...)},
		{"GET changes nothing", "500 164", append([]string{"-G", url, "--data-urlencode", "query=CREATE TABLE x (a UInt8) ENGINE = Memory"}, status...)},
		{"an unknown table", "404 60", append([]string{url, "-d", "SELECT * FROM nope"}, status...)},
		{"an unknown setting", "404 115", append([]string{url + "?nosuch=1", "-d", "SELECT 1"}, status...)},
		{"an error after rows", "500 395", append([]string{url, "-d", "SELECT throwIf(number = 500000) FROM numbers(1000000)"}, status...)},
		{"brotli of a request", "501 48", append([]string{url, "-H", "Content-Encoding: br", "-d", "SELECT 1"}, status...)},
		{"brotli of an answer", "1\n", []string{url, "-H", "Accept-Encoding: br", "-d", "SELECT 1"}},
		{"a session", "", []string{url + "?session_id=curl", "-d", "CREATE OR REPLACE TEMPORARY TABLE mine AS SELECT 7 AS a"}},
		{"the same session", "7\n", []string{url + "?session_id=curl&session_check=1", "-d", "SELECT a FROM mine"}},
		{"progress and the end", "1\n", []string{url + "?wait_end_of_query=1&send_progress_in_http_headers=1&buffer_size=1", "-d", "SELECT 1"}},
		{"ids", sessionID + "\t" + eventID + "\n", []string{url, "-d", "SELECT session_id, event_id FROM bi.sessions, bi.events"}},
	}
}

// Ensure that everything else that people do with curl comes back as from a server.
func TestCurlWays(t *testing.T) {
	addr, _ := start(t)
	url := "http://" + addr + "/"
	for _, c := range curlWays(t, url) {
		if got := curl(t, c.args...); got != c.want {
			t.Errorf("%s: got %q, expected %q", c.name, got, c.want)
		}
	}
	if got := curl(t, url, "-d", "SELECT nope"); !strings.HasPrefix(got, "Code: 47. DB::Exception: ") || !strings.Contains(got, "(UNKNOWN_IDENTIFIER)") {
		t.Errorf("the body of an error is %q", got)
	}
}

// Ensure that a query ends when its client does.
func TestCurlDisconnect(t *testing.T) {
	addr, _ := start(t)
	c := exec.CommandContext(t.Context(), "curl", "-sS", "http://"+addr+"/", "-d", endless("curl-left"))
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	untilRuns(t, "curl-left")
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // killed
	nothingRuns(t, "curl-left")
}
