package e2e_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/services/internal/reconcile"
)

// faults are what somebody's hand could do to the tables; {noon} is ten hours into the day. Each says which check must find it, and what its
// line shows.
var faults = []struct{ name, statement, check, shows string }{
	{"a cell", `INSERT INTO tributary.funnel_cells SELECT * REPLACE (version + 1 AS version, arrayMap(u -> u + 1, units) AS units) FROM tributary.funnel_cells FINAL
		WHERE store = 'demo' AND basis = 'entry' AND window_seconds = 900 AND class = 'human' AND units[1] > 0 AND window_start >= '{noon}' ORDER BY window_start LIMIT 1`,
		reconcile.CheckCells, "human, units: stored ["},
	{"a session", `INSERT INTO tributary.sessions SELECT * REPLACE (version + 1 AS version, events + 1 AS events) FROM tributary.sessions FINAL
		WHERE store = 'demo' AND deleted = 0 AND started_at > '{noon}' ORDER BY started_at LIMIT 1`, reconcile.CheckSessions, ", session "},
	{"an event", `ALTER TABLE tributary.events DELETE WHERE event_id IN (SELECT event_id FROM tributary.events WHERE store = 'demo' AND interactive = 1 AND late = 0
		AND ingest_ts > '{noon}' ORDER BY ingest_ts LIMIT 1) SETTINGS mutations_sync = 2`, reconcile.CheckIntake, ", records: stored "},
}

// Ensure that a day that is exact is recounted without a difference, and that one event, one session or one cell that is altered in the
// tables is found by its check, with window, key and both values, and exit code 1.
func TestReconcile(t *testing.T) {
	skipIfShort(t)
	addr := keep(t)
	db, err := clickhouse.Open(clickhouse.Config{Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var from time.Time
	if err := db.Each(t.Context(), "SELECT toStartOfDay(min(ingest_hour), 'UTC') FROM tributary.intake", func(scan func(...any) error) error { return scan(&from) }); err != nil {
		t.Fatal(err)
	}
	list, err := reconcile.Job{DB: db, From: from}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if r.Compared < 50 || r.Differences != 0 {
			t.Errorf("an exact day: %+v", r)
		}
		t.Logf("%s: %d compared in %s", r.Check, r.Compared, r.Took)
	}
	if out, code := reconciled(t, addr, from); code != 0 || !strings.Contains(out, "difference 0") {
		t.Fatalf("exit %d:\n%s", code, out)
	}
	for _, f := range faults {
		if err := db.Exec(t.Context(), strings.ReplaceAll(f.statement, "{noon}", from.Add(10*time.Hour).Format(time.DateTime))); err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		found(t, addr, from, f.check, f.shows)
	}
	same(t, "rows", lines(t, db, "SELECT DISTINCT check FROM bi.reconcile_findings ORDER BY check"), []string{"cells", "intake", "sessions"})
}

// found ensures that the command names a difference of a check, and ends with exit code 1.
func found(t *testing.T, addr string, from time.Time, check, shows string) {
	t.Helper()
	out, code := reconciled(t, addr, from)
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, check+": store demo, 20") && strings.Contains(line, shows) && strings.Contains(line, ", recounted ") && code == 1 {
			return
		}
	}
	t.Errorf("exit %d, and no difference of %s with %q:\n%s", code, check, shows, out)
}

// reconciled runs the command.
func reconciled(t *testing.T, addr string, from time.Time) (out string, code int) {
	t.Helper()
	b, err := tributary(t, "reconcile", "--save", "--clickhouse="+addr, "--from="+from.Format(time.DateTime)).CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	if failed != nil {
		code = failed.ExitCode()
	}
	return string(b), code
}
