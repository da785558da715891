package clients_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// recordEnv makes TestRecord write down what the clients send.
const recordEnv = "TRIBUTARY_RECORD"

// corpus is where the front's own test finds it.
const corpus = "../../../pkg/embedded/clickhouse/testdata/requests"

// request is one as a client sent it. The first one of a client has its User-Agent, which tells the version.
type request struct {
	Method string            `json:"method"`
	URL    string            `json:"url"` // without the host
	Header map[string]string `json:"header,omitempty"`
	Text   string            `json:"text,omitempty"`   // the body, or
	Base64 []byte            `json:"base64,omitempty"` // the same if it is no text
}

// recorder passes requests on to an engine and keeps them.
type recorder struct {
	engine   string
	mu       sync.Mutex
	requests []request
}

// kept headers mean something to the front.
var kept = []string{"Accept-Encoding", "Authorization", "Content-Encoding", "Content-Type"}

// account is what a client tells of who runs it.
var account = regexp.MustCompile(`; os_user:[^;)]*`)

func (r *recorder) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	got := request{Method: in.Method, URL: in.URL.RequestURI(), Header: map[string]string{}}
	for _, k := range slices.Sorted(maps.Keys(in.Header)) {
		if slices.Contains(kept, k) || strings.HasPrefix(k, "X-Clickhouse-") {
			got.Header[k] = in.Header.Get(k)
		}
	}
	if utf8.Valid(body) && !bytes.Contains(body, []byte{0}) {
		got.Text = string(body)
	} else {
		got.Base64 = body
	}
	r.mu.Lock()
	if len(r.requests) == 0 {
		got.Header["User-Agent"] = account.ReplaceAllString(in.UserAgent(), "")
	}
	r.requests = append(r.requests, got)
	r.mu.Unlock()
	if err := r.pass(w, in, body); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

// pass sends the request on and copies the answer, as it is.
func (r *recorder) pass(w http.ResponseWriter, in *http.Request, body []byte) error {
	out, err := http.NewRequestWithContext(in.Context(), in.Method, "http://"+r.engine+in.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	out.Header = in.Header
	res, err := asItIs.RoundTrip(out)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	maps.Copy(w.Header(), res.Header)
	w.WriteHeader(res.StatusCode)
	_, err = io.Copy(w, res.Body)
	return err
}

var asItIs = &http.Transport{DisableCompression: true}

// TestRecord writes down what each client sends, from its first request to its last, into the corpus of the front's own
// test. To do so again, after an update of a client: TRIBUTARY_RECORD=1 go test ./services/tributary/clients -run
// Record, and then the same for ./pkg/embedded/clickhouse -run Replay, which adds the answers.
func TestRecord(t *testing.T) {
	if os.Getenv(recordEnv) == "" {
		t.Skip("it writes the corpus, and only when " + recordEnv + " is set")
	}
	addr, all := start(t)
	small := &columns{types: all.types}
	if err := small.fill(120); err != nil {
		t.Fatal(err)
	}
	small.rows = small.rows[:3]
	for name, drive := range map[string]func(t *testing.T, addr, database string, c *columns){
		"clickhouse-go": recordGo, "npm": recordNpm, "python": recordPython, "curl": recordCurl,
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{engine: addr}
			s := httptest.NewServer(r)
			defer s.Close()
			drive(t, strings.TrimPrefix(s.URL, "http://"), "rec_"+strings.ReplaceAll(name, "-", "_"), small)
			var b bytes.Buffer
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			for _, q := range r.requests {
				if err := e.Encode(q); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.MkdirAll(corpus, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(corpus, name+".jsonl"), b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// before makes the database with the table reference.
func (c *columns) before(database string) []string {
	return []string{"CREATE DATABASE IF NOT EXISTS " + database, c.create(database + ".reference"), c.insert(database + ".reference")}
}

func after(database string) string { return "DROP DATABASE " + database + " SYNC" }

func recordNpm(t *testing.T, addr, database string, c *columns) {
	arguments := c.npm([]string{"CSV", "TabSeparated", "Native", "RowBinary"})
	maps.Copy(arguments, map[string]any{"database": database, "before": c.before(database), "after": after(database), "odd": odd, "long": 4100})
	var nothing any
	node(t, addr, "record", arguments, &nothing)
}

func recordPython(t *testing.T, addr, database string, c *columns) {
	var nothing any
	python(t, addr, "record", map[string]any{"database": database, "before": c.before(database), "after": after(database), "long": 1000,
		"create": c.create("TABLE_NAME"), "formats": []string{"JSONEachRow", "CSV", "RowBinary"}}, &nothing)
}

func recordGo(t *testing.T, addr, database string, c *columns) {
	for i, name := range slices.Sorted(maps.Keys(goCompressions)) {
		compression := goCompressions[name]
		conn := openGo(t, addr, compression)
		exec := func(statements ...string) {
			for _, s := range statements {
				if err := conn.Exec(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
		}
		if i == 0 {
			exec(c.before(database)...)
		}
		_, rows := readGo(t, conn, "SELECT * FROM "+database+".reference ORDER BY n")
		exec(c.create(database + "." + name))
		b, err := conn.PrepareBatch(t.Context(), "INSERT INTO "+database+"."+name)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if err := b.Append(r...); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Send(); err != nil {
			t.Fatal(err)
		}
		if err := conn.Exec(t.Context(), "SELECT nope"); err == nil {
			t.Fatal("SELECT nope was accepted")
		}
		ctx := ch.Context(t.Context(), ch.WithParameters(ch.Parameters{"s": odd}), ch.WithSettings(ch.Settings{"max_threads": 1}), ch.WithQueryID("go-"+name))
		readGo(t, conn, "SELECT toDateTime(0, 'Asia/Tokyo') AS at, 1 AS n")
		if err := conn.Exec(ctx, "SELECT {s:String}"); err != nil {
			t.Fatal(err)
		}
		if i == len(goCompressions)-1 {
			exec(after(database))
		}
	}
}

func recordCurl(t *testing.T, addr, database string, c *columns) {
	url := "http://" + addr + "/"
	for _, s := range c.before(database) {
		curl(t, url, "--data-binary", s)
	}
	in := url + "?database=" + database
	for _, f := range []string{"JSONEachRow", "CSVWithNames", "TabSeparated", "Native", "RowBinary"} {
		data := curl(t, in, "--compressed", "--data-binary", "SELECT * FROM reference ORDER BY n FORMAT "+f)
		curl(t, in, "--data-binary", c.create("t_"+f))
		curl(t, in+"&query=INSERT%20INTO%20t_"+f+"%20FORMAT%20"+f, "--data-binary", "@"+write(t, "plain", []byte(data)))
		curl(t, in+"&query=INSERT%20INTO%20t_"+f+"%20FORMAT%20"+f, "-H", "Content-Encoding: gzip", "--data-binary", "@"+write(t, "gz", zipped(t, []byte(data))))
		curl(t, in, "-d", "SELECT count(), uniqExact(n) FROM t_"+f)
	}
	for _, c := range curlWays(t, url) {
		if c.name != "ids" { // they need our views
			curl(t, c.args...)
		}
	}
	curl(t, url, "-d", after(database))
}
