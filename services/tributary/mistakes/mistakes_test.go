package mistakes_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// least is how many mistakes the table has at least.
const least = 40

// Ensure that each mistake is answered by one sentence that says what to do, soon, with its exit code, and leaves nothing behind.
func TestMistakes(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: builds all programs and starts them about a hundred times")
	}
	if err := build(); err != nil {
		t.Fatal("build the programs:", err)
	}
	w := newWorld(t)
	db, err := clickhouse.Open(clickhouse.Config{Addr: w["clickhouse"]})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	defer func() { // the engine is the test binary's, and -count runs this again
		for _, name := range []string{"bi", "api", "tributary"} {
			statement(t, db, "DROP DATABASE "+name+" SYNC")
		}
	}()
	each(t, w, "unmigrated", unmigrated)
	if _, err := stack.Migrate(t.Context(), db, 3); err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(calls, brokers, engines, storeFiles, machine)
	each(t, w, "", all)
	for _, d := range drifted {
		statement(t, db, d.spoil)
		t.Run(d.name, func(t *testing.T) { d.check(t, w) })
		statement(t, db, d.mend)
	}
	testApplied(t, w)
	if n := len(all) + len(unmigrated) + len(drifted) + len(applied); n < least {
		t.Errorf("%d mistakes, want %d", n, least)
	}
}

// testApplied gives a store its first file, then a second, and makes the mistakes that each brings.
func testApplied(t *testing.T, w world) {
	second := changed("30m", "20m")(t, t.TempDir())["file"]
	for i, file := range []string{demo, second} {
		out, err := exec.Command(filepath.Join(programs, "tributary"), "store", "apply", "--brokers="+w["tables"], file).CombinedOutput()
		if err != nil {
			t.Fatalf("apply %s: %v\n%s", file, err, out)
		}
		t.Run(applied[i].name, func(t *testing.T) { applied[i].check(t, w) })
	}
}

// each checks rows that do not meet each other, several at a time, and returns when all are done.
func each(t *testing.T, w world, group string, rows []mistake) {
	t.Run(group, func(t *testing.T) {
		for _, m := range rows {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				if m.as != 0 && os.Geteuid() != 0 {
					t.Skip("only root can make the mistake as another user")
				}
				m.check(t, w)
			})
		}
	})
}

func statement(t *testing.T, db *clickhouse.DB, sql string) {
	t.Helper()
	if err := db.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}
