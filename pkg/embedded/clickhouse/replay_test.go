package clickhouse_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	chcompress "github.com/ClickHouse/ch-go/compress"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// recordEnv makes TestReplay write down the answers.
const recordEnv = "TRIBUTARY_RECORD"

// recorded is a request of a real client, and what the front must answer.
type recorded struct {
	Method string            `json:"method"`
	URL    string            `json:"url"`
	Header map[string]string `json:"header,omitempty"`
	Text   string            `json:"text,omitempty"`
	Base64 []byte            `json:"base64,omitempty"`
	Answer *expected         `json:"answer,omitempty"`
}

// expected is an answer without what differs from run to run.
type expected struct {
	Status   int    `json:"status"`
	Code     string `json:"code,omitempty"` // of an exception
	Format   string `json:"format,omitempty"`
	Type     string `json:"type,omitempty"`     // of the content
	Encoding string `json:"encoding,omitempty"` // of the content
	Zone     string `json:"zone,omitempty"`     // if it is not UTC
	Rows     string `json:"rows,omitempty"`     // read, written, in the answer
	Body     string `json:"body,omitempty"`     // decompressed, if it is short text, or
	SHA256   string `json:"sha256,omitempty"`   // the start of its hash
}

// shortBody is how long a body may be to stand in the corpus itself.
const shortBody = 200

// TestReplay sends what clickhouse-go, @clickhouse/client, clickhouse-connect and curl sent when services/tributary/clients
// recorded them, and expects the answers that they understood then. They need not be installed. After a new recording,
// or an update of the engine: TRIBUTARY_RECORD=1 go test ./pkg/embedded/clickhouse -run Replay writes the answers down.
// That test package is what judges them.
func TestReplay(t *testing.T) {
	files, err := filepath.Glob("testdata/requests/*.jsonl")
	must(t, err)
	if len(files) != 4 {
		t.Fatalf("%d recorded clients, expected 4", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".jsonl"), func(t *testing.T) {
			requests := readRecorded(t, file)
			for i := range requests {
				replay(t, &requests[i], requests[0].Header["User-Agent"])
			}
			if os.Getenv(recordEnv) != "" {
				writeRecorded(t, file, requests)
			}
		})
	}
}

func readRecorded(t *testing.T, file string) (out []recorded) {
	t.Helper()
	b, err := os.ReadFile(file)
	must(t, err)
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		var r recorded
		must(t, json.Unmarshal(s.Bytes(), &r))
		out = append(out, r)
	}
	if len(out) < 20 {
		t.Fatalf("%s has %d requests", file, len(out))
	}
	return out
}

func writeRecorded(t *testing.T, file string, requests []recorded) {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, r := range requests {
		must(t, e.Encode(r))
	}
	must(t, os.WriteFile(file, b.Bytes(), 0o644))
}

// replay sends one request and compares the answer, or notes it.
func replay(t *testing.T, r *recorded, agent string) {
	t.Helper()
	u, err := url.Parse(r.URL)
	must(t, err)
	body := r.Base64
	if len(body) == 0 {
		body = []byte(r.Text)
	}
	header := http.Header{"User-Agent": {agent}}
	for k, v := range r.Header {
		header.Set(k, v)
	}
	a := do(t, r.Method, server(t), u.Path, u.Query(), header, bytes.NewReader(body))
	got := a.expected(t, u.Query())
	if strings.Contains(r.Text+u.Query().Get("query"), "system.settings") {
		got.Body, got.SHA256, got.Rows = "", "", "" // the engine's defaults are the machine's
	}
	if id := u.Query().Get("query_id"); id != "" && a.header.Get("X-ClickHouse-Query-Id") != id {
		t.Errorf("the query %s has the id %q in its answer", id, a.header.Get("X-ClickHouse-Query-Id"))
	}
	if os.Getenv(recordEnv) != "" {
		r.Answer = &got
		return
	}
	if r.Answer == nil {
		t.Fatal("the corpus has no answers: see TestReplay")
	}
	if got != *r.Answer {
		t.Errorf("%s %s\n%.300s\nanswers  %+v\nexpected %+v\nbody %.300q", r.Method, r.URL, r.Text, got, *r.Answer, a.body)
	}
}

// elapsed is in every answer of format JSON.
var elapsed = regexp.MustCompile(`"elapsed": [0-9.e-]+`)

// expected is the answer in the words of the corpus.
func (a answer) expected(t *testing.T, params url.Values) expected {
	t.Helper()
	out := expected{Status: a.status, Code: a.header.Get("X-ClickHouse-Exception-Code"), Format: a.header.Get("X-ClickHouse-Format"),
		Encoding: a.header.Get("Content-Encoding")}
	out.Type, _, _ = strings.Cut(a.header.Get("Content-Type"), "; charset=UTF-8")
	if zone := a.header.Get("X-ClickHouse-Timezone"); zone != "UTC" {
		out.Zone = zone
	}
	if s := a.header.Get("X-ClickHouse-Summary"); s != "" {
		var all map[string]string
		must(t, json.Unmarshal([]byte(s), &all))
		out.Rows = strings.Join([]string{all["read_rows"], all["written_rows"], all["result_rows"]}, " ")
	}
	body := elapsed.ReplaceAll(decompress(t, a, params), []byte(`"elapsed": 0`))
	if len(body) <= shortBody && utf8.Valid(body) {
		out.Body = string(body)
	} else {
		sum := sha256.Sum256(body)
		out.SHA256 = hex.EncodeToString(sum[:8])
	}
	return out
}

// decompress undoes what the client asked for: compressors change, what they carry does not.
func decompress(t *testing.T, a answer, params url.Values) []byte {
	t.Helper()
	var r io.Reader = strings.NewReader(a.body)
	var err error
	switch enc := a.header.Get("Content-Encoding"); enc {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "deflate":
		r, err = zlib.NewReader(r)
	case "lz4":
		r = lz4.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	case "":
		if params.Get("compress") == "1" && a.status == http.StatusOK {
			r = chcompress.NewReader(r)
		}
	default:
		t.Fatalf("the answer has Content-Encoding %s", enc)
	}
	must(t, err)
	b, err := io.ReadAll(r)
	if err != nil && !errors.Is(err, io.EOF) { // ch-go wraps it
		t.Fatal(err)
	}
	return b
}
