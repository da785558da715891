package soak

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Ensure that a generation counts once, however many members tell of it, and not at all if one did before the load.
func TestRebalances(t *testing.T) {
	dir := t.TempDir()
	add := func(log string, group string, generation int) {
		t.Helper()
		f, err := os.OpenFile(filepath.Join(dir, log+".log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = fmt.Fprintf(f, `{"level":"info","msg":"partitions assigned","group":%q,"generation":%d,"partitions":[1,2]}`+"\nsomething else\n", group, generation)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	add("sessionizer-1", "visitor", 1)
	add("sessionizer-2", "visitor", 2)
	from, err := mark(dir)
	if err != nil {
		t.Fatal(err)
	}
	add("sessionizer-1", "visitor", 2) // told late
	add("sessionizer-1", "visitor", 3)
	add("sessionizer-2", "visitor", 3)
	add("aggregator-3", "events", 3)
	add("aggregator-3", "events", 4)
	add("ingest-1", "visitor", 9)
	add("fresh-aggregator", "events.e1", 9)
	if n, err := rebalances(dir, from); err != nil || n != 3 {
		t.Errorf("got %d rebalances, want 3, %v", n, err)
	}
}
