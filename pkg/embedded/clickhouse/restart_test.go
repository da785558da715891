package clickhouse_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	engine "github.com/tributary-data/tributary/pkg/embedded/clickhouse"
)

// The engine's state is the process's, so restarts are tested in processes of their own.

func TestDataSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	addr, stop, _ := startChild(t, dir)
	c := open(t, addr, nil)
	must(t, c.Exec(t.Context(), "CREATE TABLE kept (a UInt64) ENGINE = MergeTree ORDER BY a"))
	must(t, c.Exec(t.Context(), "INSERT INTO kept SELECT number FROM numbers(1000)"))
	stop()
	addr, stop, _ = startChild(t, dir)
	expectCount(t, addr, 1000)
	stop()
}

func TestRunTwiceInOneProcess(t *testing.T) {
	t.Setenv(twiceEnv, "1")
	addr, stop, _ := startChild(t, t.TempDir())
	must(t, open(t, addr, nil).Exec(t.Context(), "CREATE TABLE kept (a UInt64) ENGINE = MergeTree ORDER BY a"))
	expectCount(t, addr, 0)
	stop()
}

// TestStopWithBusyClients stops while a statement runs and an insert waits for rows: neither may hold it up.
func TestStopWithBusyClients(t *testing.T) {
	addr, stop, _ := startChild(t, t.TempDir())
	c := open(t, addr, nil)
	must(t, c.Exec(t.Context(), "CREATE TABLE kept (a UInt64) ENGINE = MergeTree ORDER BY a"))
	body, w := io.Pipe()
	var clients sync.WaitGroup
	send := func(url string, body io.Reader) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
		must(t, err)
		clients.Go(func() {
			if res, err := plain.Do(req); err == nil {
				res.Body.Close()
			}
		})
	}
	send("http://"+addr+"/?query=INSERT+INTO+kept+FORMAT+CSV", body)
	_, err := io.WriteString(w, "1\n")
	must(t, err)
	send("http://"+addr+"/", strings.NewReader("SELECT sum(sipHash64(number)) FROM numbers(100000000000)"))
	eventually(t, "the statement runs", func() bool {
		var n uint64
		must(t, c.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query LIKE '%sipHash64%' AND query NOT LIKE '%processes%'").Scan(&n))
		return n == 1
	})
	stop()
	w.CloseWithError(io.ErrClosedPipe)
	clients.Wait()
}

func TestAcknowledgedRowsSurviveKill(t *testing.T) {
	dir := t.TempDir()
	addr, _, kill := startChild(t, dir)
	c := open(t, addr, nil)
	must(t, c.Exec(t.Context(), "CREATE TABLE kept (a UInt64) ENGINE = MergeTree ORDER BY a"))
	for round := range 3 {
		for i := range 5 {
			b, err := c.PrepareBatch(t.Context(), "INSERT INTO kept")
			must(t, err)
			for j := range 100 {
				must(t, b.Append(uint64(round*1000+i*100+j)))
			}
			must(t, b.Send())
		}
		kill()
		addr, _, kill = startChild(t, dir)
		c = open(t, addr, nil)
		expectCount(t, addr, uint64(500*(round+1)))
	}
	kill()
}

func expectCount(t *testing.T, addr string, want uint64) {
	t.Helper()
	var n uint64
	must(t, open(t, addr, nil).QueryRow(t.Context(), "SELECT count() FROM kept").Scan(&n))
	if n != want {
		t.Errorf("%d rows after the restart, expected %d", n, want)
	}
}

func TestConfig(t *testing.T) {
	for want, c := range map[string]engine.Config{
		"expected host:port": {Addr: "8123", DataDir: "d", Library: "l"},
		"data folder":        {Addr: "127.0.0.1:0", Library: "l"},
		"TRIBUTARY_ENGINE":   {Addr: "127.0.0.1:0", DataDir: "d"},
	} {
		if _, err := engine.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(%+v) = %v, expected %q", c, err, want)
		}
	}
	s, err := engine.New(engine.Config{Addr: "127.0.0.1:0", DataDir: t.TempDir(), Library: "/nonexistent/libchdb.so"})
	must(t, err)
	if err := s.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "/nonexistent/libchdb.so") {
		t.Errorf("Run with a missing library = %v", err)
	}
}

func BenchmarkInsert50k(b *testing.B) {
	c := open(b, server(b), nil)
	must(b, c.Exec(b.Context(), "CREATE OR REPLACE TABLE bench (store LowCardinality(String), id FixedString(16), ts DateTime64(3,'UTC'), v Int64, s String) ENGINE = MergeTree ORDER BY (store, ts)"))
	const rows = 50_000
	for b.Loop() {
		batch, err := c.PrepareBatch(b.Context(), "INSERT INTO bench")
		must(b, err)
		for i := range rows {
			must(b, batch.Append("store", "0123456789abcdef", int64(1_700_000_000_000+i), int64(i), "https://example.com/product"))
		}
		must(b, batch.Send())
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkSelect1(b *testing.B) {
	c := open(b, server(b), nil)
	for b.Loop() {
		var n uint8
		must(b, c.QueryRow(b.Context(), "SELECT 1").Scan(&n))
	}
}
