package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/services/internal/reconcile"
)

// Ensure that a day that is exact is recounted without a difference, and that each fault planted in the tables is found by its check and no
// other, with window, key and both values; that the command says the same with exit code 1, and so do the rows and the metric.
func TestReconcile(t *testing.T) {
	skipIfShort(t)
	addr := keepDay(t, 20_000) // large enough for a session above the cap
	db, err := clickhouse.Open(clickhouse.Config{Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	from, err := time.Parse(time.DateTime, lines(t, db, "SELECT toString(toStartOfDay(min(ingest_hour), 'UTC')) FROM tributary.intake")[0])
	if err != nil {
		t.Fatal(err)
	}
	if len(lines(t, db, "SELECT session_id FROM bi.sessions WHERE tail_events > 0")) == 0 {
		t.Error("no session of the day is above the cap")
	}
	list := recount(t, db, from)
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
		before := findings(list)
		want := plant(t, db, f, from)
		list = recount(t, db, from)
		shown := findings(list)
		fresh := slices.DeleteFunc(slices.Clone(shown), func(l string) bool { return slices.Contains(before, l) })
		if f.also != "" && !others(&fresh, f.also) {
			t.Errorf("%s: nothing of check %s:\n%s", f.name, f.also, strings.Join(fresh, "\n"))
		}
		same(t, f.name, fresh, want)
		out, code := reconciled(t, addr, from)
		if code != 1 {
			t.Errorf("%s: exit %d", f.name, code)
		}
		for _, l := range shown {
			if !strings.Contains(out, l+"\n") {
				t.Errorf("%s: the command does not say\n%s\nbut\n%s", f.name, l, out)
			}
		}
	}
	asJSON(t, addr, from, list)
	same(t, "saved", lines(t, db, "SELECT toString(uniqExact(at)) FROM bi.reconciliations"), []string{fmt.Sprint(len(faults) + 2)}) // the exact day, each fault, JSON
	recorded(t, db)
}

// asJSON ensures that machines read the same, and see the same exit code.
func asJSON(t *testing.T, addr string, from time.Time, list []reconcile.Result) {
	t.Helper()
	var read []reconcile.Result
	out, code := reconciled(t, addr, from, "--json")
	if err := json.Unmarshal([]byte(out), &read); err != nil || code != 1 {
		t.Errorf("exit %d, %v:\n%s", code, err, out)
	}
	same(t, "json", findings(read), findings(list))
}

// recorded ensures that a turn of the schedule leaves in rows and metrics what the last day that is final shows, faults among it.
func recorded(t *testing.T, db *clickhouse.DB) {
	t.Helper()
	list := recount(t, db, time.Time{})
	if len(findings(list)) == 0 {
		t.Error("the last day that is final has no fault")
	}
	r := prometheus.NewPedanticRegistry()
	if err := reconcile.NewSchedule(db, 0, zap.NewNop(), r).Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var metric, shown []string
	for _, c := range list {
		shown = append(shown, fmt.Sprint(c.Check, " ", c.Differences))
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "tributary_reconcile_differences" {
				metric = append(metric, fmt.Sprint(m.GetLabel()[0].GetValue(), " ", m.GetGauge().GetValue()))
			}
		}
	}
	slices.Sort(shown)
	same(t, "metric", slices.Sorted(slices.Values(metric)), shown)
	same(t, "rows", lines(t, db, "SELECT concat(check, ' ', toString(differences)) FROM bi.reconciliations WHERE at = (SELECT max(at) FROM bi.reconciliations) ORDER BY check"), shown)
	same(t, "findings", lines(t, db, `SELECT concat(check, ': store ', store, ', ', toString(window), ', ', key, ': stored ', stored, ', recounted ', recounted)
		AS said FROM bi.reconcile_findings WHERE at = (SELECT max(at) FROM bi.reconciliations) ORDER BY said`), slices.Sorted(slices.Values(findings(list))))
}

// plant plants a fault, and returns the lines that must be found.
func plant(t *testing.T, db *clickhouse.DB, f fault, from time.Time) []string {
	t.Helper()
	noon := from.Add(10 * time.Hour).Format(time.DateTime)
	rows, err := db.Select(t.Context(), strings.ReplaceAll(f.pick, "{noon}", noon))
	if err != nil || len(rows.Values) != 1 {
		t.Fatalf("%s: %d rows to choose from, %v\n%s", f.name, len(rows.Values), err, f.pick)
	}
	var want []string
	for _, v := range rows.Values[0] {
		want = append(want, fmt.Sprint(v))
	}
	if err := db.Exec(t.Context(), strings.NewReplacer("{noon}", noon, "{id}", want[0]).Replace(f.plant)); err != nil {
		t.Fatalf("%s: %v", f.name, err)
	}
	return want[1:]
}

func recount(t *testing.T, db *clickhouse.DB, from time.Time) []reconcile.Result {
	t.Helper()
	list, err := reconcile.Job{DB: db, From: from}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func findings(list []reconcile.Result) (out []string) {
	for _, r := range list {
		for _, f := range r.Findings {
			out = append(out, f.String())
		}
	}
	return out
}

// others takes the lines of a check out of a list, and tells whether there were any.
func others(list *[]string, check string) bool {
	n := len(*list)
	*list = slices.DeleteFunc(*list, func(l string) bool { return strings.HasPrefix(l, check+": ") })
	return len(*list) < n
}

// reconciled runs the command.
func reconciled(t *testing.T, addr string, from time.Time, more ...string) (out string, code int) {
	t.Helper()
	b, err := tributary(t, append([]string{"reconcile", "--save", "--clickhouse=" + addr, "--from=" + from.Format(time.DateTime)}, more...)...).Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	if failed != nil {
		code = failed.ExitCode()
	}
	return string(b), code
}
