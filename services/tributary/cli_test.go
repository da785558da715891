package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/schemas/stores"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(harness.Main(m))
}

// call runs a command line and returns what it printed.
func call(t *testing.T, args ...string) (string, error) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	printed := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(r) // a pipe of our own
		printed <- string(b)
	}()
	err = run(t.Context(), args)
	os.Stdout = stdout
	if cerr := w.Close(); cerr != nil {
		t.Fatal(cerr)
	}
	return <-printed, err
}

func file(t *testing.T, content []byte) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "store.yaml")
	if err := os.WriteFile(p, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// Ensure the way of a store file: topics, check, apply, a change that waits for its midnight, show.
func TestStoreCommands(t *testing.T) {
	brokers := "--brokers=" + harness.Broker(t)
	demo := file(t, stores.Demo())
	changed := file(t, bytes.Replace(stores.Demo(), []byte("session_gap: 30m"), []byte("session_gap: 20m"), 1))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"topics", "create", brokers, "--partitions=3", "--replication=1"}, "sessions.g0.e0   3 partitions"},
		{[]string{"topics", "create", brokers, "--partitions=3", "--replication=1"}, "dead-letters     3 partitions"},
		{[]string{"store", "check", demo}, "ok"},
		{[]string{"store", "apply", brokers, demo}, "store demo: 3 partitions got it; it counts at once"},
		{[]string{"store", "apply", brokers, demo}, "nothing to do, every partition has this file"},
		{[]string{"store", "apply", brokers, "--json", changed}, `"Written":3`},
		{[]string{"store", "show", brokers, "demo"}, "partition   2"},
		{[]string{"store", "show", brokers, "--json", "demo"}, `"from":0`},
	} {
		if out, err := call(t, c.args...); err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%v: got %q, %v, want something with %q", c.args, out, err, c.want)
		}
	}
	if _, err := call(t, "store", "apply", brokers, demo); err == nil || !strings.Contains(err.Error(), "a later file counts") {
		t.Errorf("the old file was applied again: %v", err)
	}
}

// Ensure that mistakes are told with their place, and that wrong calls exit with 2.
func TestMistakes(t *testing.T) {
	brokers := "--brokers=" + harness.Broker(t)
	if _, err := call(t, "topics", "create", brokers, "--partitions=3", "--replication=1"); err != nil {
		t.Fatal(err)
	}
	bad := file(t, bytes.Replace(stores.Demo(), []byte("currency: EUR"), []byte("currency: euro"), 1))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"store", "check", bad}, "store.yaml: line 8: meaning.currency"},
		{[]string{"store", "apply", brokers, bad}, "store.yaml: line 8: meaning.currency"},
		{[]string{"store", "show", brokers, "nobody"}, "no partition knows store nobody"},
		{[]string{"topics", "create", brokers, "--partitions=4", "--replication=1"}, "has 3 partitions, expected 4"},
	} {
		if _, err := call(t, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want something with %q", c.args, err, c.want)
		}
	}
	var code exitCode
	if _, err := call(t, "store", "apply"); !errors.As(err, &code) || code != 2 {
		t.Errorf("a missing argument: got %v", err)
	}
}

// Ensure that the tables come once, and that the second call says so.
func TestMigrate(t *testing.T) {
	addr := "--clickhouse=" + harness.Engine(t)
	if out, err := call(t, "migrate", addr, "--partitions=3"); err != nil || !strings.Contains(out, "applied: 0001_tables.sql") {
		t.Errorf("got %q, %v", out, err)
	}
	if out, err := call(t, "migrate", addr, "--partitions=3"); err != nil || !strings.Contains(out, "nothing to do") {
		t.Errorf("again: got %q, %v", out, err)
	}
}

// Ensure the three forms of a query's result, and that a view can be named.
func TestQuery(t *testing.T) {
	addr := "--clickhouse=" + harness.Engine(t)
	if _, err := call(t, "migrate", addr, "--partitions=3"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"query", addr, "SELECT 7 AS n, 'a,b' AS s"}, "│ 7 │ a,b │"},
		{[]string{"query", addr, "SELECT", "7", "AS", "n"}, "1 row\n"},
		{[]string{"query", addr, "--format=csv", "SELECT 7 AS n, 'a,b' AS s"}, "n,s\n7,\"a,b\"\n"},
		{[]string{"query", addr, "--format=json", "SELECT 7 AS n, 'a' AS s"}, `{"n":7,"s":"a"}`},
		{[]string{"query", addr, "sessions"}, "0 rows"},
		{[]string{"query", addr, "bi.completeness"}, "0 rows"},
	} {
		if out, err := call(t, c.args...); err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%v: got %q, %v, want something with %q", c.args, out, err, c.want)
		}
	}
	if _, err := call(t, "query", addr, "nowhere"); err == nil || !strings.Contains(err.Error(), "bi.nowhere") {
		t.Errorf("a missing view: got %v", err)
	}
}

// Ensure that send makes what an SDK makes, and says what ingest answered.
func TestSend(t *testing.T) {
	var path, key string
	var body map[string]any
	status := http.StatusOK
	ingest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.Path
		key, _, _ = r.BasicAuth()
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		w.WriteHeader(status)
	}))
	defer ingest.Close()
	out, err := call(t, "send", "Order Completed", "--ingest="+ingest.URL, "--user=u", "-p", "order_id=o1", "-p", "revenue=20.50", "--show")
	if err != nil || !strings.Contains(out, "200 OK") || !strings.Contains(out, `"revenue": "20.50"`) {
		t.Errorf("got %q, %v", out, err)
	}
	if path != "/v1/track" || key != "demo-write-key" || body["event"] != "Order Completed" || body["userId"] != "u" || body["anonymousId"] != "me" || body["messageId"] == "" {
		t.Errorf("got %s with key %s: %v", path, key, body)
	}
	status = http.StatusUnauthorized
	if _, err := call(t, "send", "page", "--ingest="+ingest.URL); err == nil || !strings.Contains(err.Error(), "set --key") || path != "/v1/page" {
		t.Errorf("refused: got %v for %s", err, path)
	}
	ingest.Close()
	if _, err := call(t, "send", "page", "--ingest="+ingest.URL); err == nil || !strings.Contains(err.Error(), "tributary dev") {
		t.Errorf("nobody there: got %v", err)
	}
}
