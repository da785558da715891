package harness_test

import (
	"os"
	"testing"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/embedded/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// Ensure that the engine answers. This is also the test that fetches it, before others run side by side.
func TestEngine(t *testing.T) {
	db, err := clickhouse.Open(clickhouse.Config{Addr: harness.Engine(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
