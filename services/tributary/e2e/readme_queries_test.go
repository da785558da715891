package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/tributary-data/tributary/pkg/clickhouse"
)

// keep plays a small day with `tributary demo --keep`, and returns the address of its engine, which serves until the test ends.
func keep(t *testing.T) string {
	t.Helper()
	return keepDay(t, 6000)
}

// keepDay plays a day of so many events.
func keepDay(t *testing.T, events int) string {
	t.Helper()
	c := tributary(t, "demo", "--keep", fmt.Sprint("--events=", events), "--pace=0", "--dir="+t.TempDir())
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGINT) // gone already is fine
		_, _ = io.Copy(io.Discard, out)
		if err := c.Wait(); err != nil {
			t.Errorf("demo --keep ended with %v", err)
		}
	})
	address := regexp.MustCompile(`^  ClickHouse +http://(\S+)`)
	var found, said string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said += lines.Text() + "\n"
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			found = m[1]
		}
		if strings.HasPrefix(lines.Text(), "verdict: ") {
			break
		}
	}
	if found == "" || !strings.HasSuffix(said, "difference 0\n") {
		t.Fatalf("the demo said:\n%s", said)
	}
	return found
}

var view = regexp.MustCompile(`bi\.[a-z_]+`)

// Ensure that every query of the README runs and answers something, and that it tells of every view that there is.
func TestREADMEQueries(t *testing.T) {
	skipIfShort(t)
	db, err := clickhouse.Open(clickhouse.Config{Addr: keep(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	queries := blocksOf(t, "sql")
	if len(queries) != 10 {
		t.Errorf("the README has %d queries; want ten", len(queries))
	}
	for _, q := range queries {
		question, _, _ := strings.Cut(q.text, "\n")
		if !strings.HasPrefix(question, "-- ") {
			t.Errorf("%s:%d: a query begins with its question", readme, q.line)
		}
		rows, err := db.Select(t.Context(), q.text)
		if err != nil || len(rows.Values) == 0 {
			t.Errorf("%s:%d: %d rows, %v\n%s", readme, q.line, len(rows.Values), err, q.text)
			continue
		}
		t.Logf("%s\n%v\n%v", question, rows.Columns, rows.Values[0])
	}
	told := view.FindAllString(read(t, readme), -1)
	slices.Sort(told)
	same(t, "views", slices.Compact(told), lines(t, db, "SELECT concat('bi.', name) FROM system.tables WHERE database = 'bi' ORDER BY name"))
}
