package soak

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

func TestMain(m *testing.M) {
	if os.Getenv(standIn) == "" {
		os.Exit(harness.Main(m))
	}
	if err := kafkaStandIn(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Ensure that two epochs are compared in both directions and in every column, and that a planted difference is named; versions,
// emptied cells and the order of a Map do not count.
func TestCompareEpochs(t *testing.T) {
	db, err := clickhouse.Open(clickhouse.Config{Addr: harness.Engine(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := stack.Migrate(t.Context(), db, partitions); err != nil {
		t.Fatal(err)
	}
	exec := func(statements ...string) {
		t.Helper()
		for _, s := range statements {
			if err := db.Exec(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
	const (
		cells    = "INSERT INTO tributary.funnel_cells (epoch, version, store, partition, units, time_to_step) VALUES "
		sessions = "INSERT INTO tributary.sessions (epoch, version, store, session_id, events, trail_action) VALUES "
	)
	exec(cells+"(0, 5, 'a', 1, [3, 1], [map(), map(7, 1, 0, 2)]), (1, 9, 'a', 1, [3, 1], [map(), map(0, 2, 7, 1)])",
		cells+"(0, 6, 'a', 2, [0, 0], [map(), map(7, 0)])", // emptied again
		sessions+"(0, 5, 'a', 'one', 3, ['x']), (1, 4, 'a', 'one', 2, ['x'])", sessions+"(1, 5, 'a', 'one', 3, ['x'])")
	differing := func() (sessions, cells Table) {
		t.Helper()
		got, err := compareEpochs(t.Context(), db)
		if err != nil || len(got) != 2 || got[0].Rows == 0 || got[1].Rows != 1 {
			t.Fatalf("got %+v, %v", got, err)
		}
		return got[0], got[1]
	}
	if s, c := differing(); s.Differing != 0 || c.Differing != 0 {
		t.Errorf("equal epochs differ: %+v %+v", s, c)
	}
	exec(sessions+"(0, 5, 'a', 'lost', 3, [])", sessions+"(1, 5, 'a', 'foreign', 3, [])", sessions+"(0, 5, 'a', 'other', 3, ['x', 'y']), (1, 5, 'a', 'other', 3, ['y', 'x'])",
		cells+"(1, 10, 'a', 1, [3, 2], [map(), map(0, 2, 7, 1)])")
	s, c := differing()
	if text := strings.Join(lines([]Table{s, c}), "\n"); s.Differing != 3 || c.Differing != 1 || strings.Count(text, "fresh none") != 1 || strings.Count(text, "disturbed none") != 1 ||
		!strings.Contains(text, "sessions: 3 keys differ") || !strings.Contains(text, "['x','y']") || !strings.Contains(text, "[3,1]") || !strings.Contains(text, "[3,2]") {
		t.Errorf("got %d sessions and %d cells that differ:\n%s", s.Differing, c.Differing, text)
	}
	before, err := digests(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	exec("INSERT INTO tributary.orders (store, order_id, value_minor) VALUES ('a', 'o', 1)")
	after, err := digests(t.Context(), db)
	if got := changed(before, after); err != nil || len(got) != 1 || !strings.HasPrefix(got[0], "orders: 0 rows") {
		t.Errorf("got %q, %v", got, err)
	}
}
