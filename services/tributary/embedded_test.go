package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/services/internal/boot"
)

// asProgram makes the test binary be the program.
const asProgram = "TRIBUTARY_TEST_AS_PROGRAM"

// Ensure that the engine takes no table's name for a file of the folder in which somebody started it.
func TestEngineLeavesTheWorkingFolderAlone(t *testing.T) {
	library, err := harness.Library(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "notes"), []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), os.Args[0], "embedded-clickhouse", "--attached", "--addr", "127.0.0.1:0", "--data", "data", "--library", library)
	c.Dir, c.Env, c.Stderr = dir, append(os.Environ(), asProgram+"=1"), os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}()
	line, _, err := bufio.NewReader(out).ReadLine()
	if err != nil {
		t.Fatal(err)
	}
	_, addr, _ := boot.Announced(string(line))
	db, err := clickhouse.Open(clickhouse.Config{Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if rows, err := db.Select(t.Context(), "SELECT * FROM notes"); err == nil {
		t.Errorf("the file notes is a table: %v", rows)
	}
	for _, s := range []string{"CREATE OR REPLACE TABLE notes (a UInt8) ENGINE = MergeTree ORDER BY a", "INSERT INTO notes VALUES (2)"} {
		if err := db.Exec(t.Context(), s); err != nil {
			t.Error(err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "notes")); err != nil || string(b) != "1\n" {
		t.Errorf("the file notes is %q now, %v", b, err)
	}
}
