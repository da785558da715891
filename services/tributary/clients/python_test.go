package clients_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
)

// odd is a text that every layer could spoil.
const odd = "it's \t a \\ \n \"text\" % {x:y}"

// rawFormats are carried as bytes, from an answer into an insert.
var rawFormats = []string{"JSONEachRow", "JSONCompactEachRow", "CSV", "CSVWithNames", "TabSeparated", "TabSeparatedWithNamesAndTypes", "Native", "RowBinary", "RowBinaryWithNamesAndTypes"}

// python runs testdata/client.py and decodes what it prints.
func python(t *testing.T, addr, mode string, arguments map[string]any, out any) {
	t.Helper()
	b, err := json.Marshal(arguments)
	if err != nil {
		t.Fatal(err)
	}
	decode(t, exec.CommandContext(t.Context(), harness.Python(t, "testdata/requirements.txt"), "testdata/client.py", mode, addr, string(b)), out)
}

// decode runs a script that prints JSON.
func decode(t *testing.T, c *exec.Cmd, out any) {
	t.Helper()
	var stderr strings.Builder
	c.Stderr = &stderr
	printed, err := c.Output()
	if err != nil {
		t.Fatalf("the script failed: %v\n%s", err, stderr.String())
	}
	d := json.NewDecoder(bytes.NewReader(printed))
	d.UseNumber()
	if err := d.Decode(out); err != nil {
		t.Fatalf("the script printed no JSON: %v\n%s", err, printed)
	}
}

// Ensure that clickhouse-connect reads and writes every type: Native with each compression, as data frames, through
// SQLAlchemy, and in raw formats.
func TestPythonTypes(t *testing.T) {
	addr, columns := start(t)
	var got map[string][][]any
	python(t, addr, "types", map[string]any{"create": columns.create("TABLE_NAME"), "formats": rawFormats}, &got)
	for _, name := range []string{"clickhouse-connect, False", "clickhouse-connect, lz4", "clickhouse-connect, zstd", "clickhouse-connect, gzip", "pandas", "SQLAlchemy"} {
		columns.expectRead(t, name, got[name])
	}
	for _, table := range []string{"none", "lz4", "zstd", "gzip", "pandas", "sqlalchemy"} {
		columns.expectSame(t, "py_"+table)
	}
	for _, f := range rawFormats {
		columns.expectSame(t, "py_"+strings.ToLower(f))
	}
}

// Ensure that everything else that the client does comes back as from a server.
func TestPythonWays(t *testing.T) {
	addr, _ := start(t)
	var got map[string]json.RawMessage
	python(t, addr, "ways", map[string]any{"endless": endless("MARK"), "long": 100_000}, &got)
	expectJSON(t, got, map[string]any{
		"ping": true, "database": "system", "setting": []int{1}, "settings of the client": 77, "query id": "py-query-id", "session": []int{2, 3},
		"server parameters": []any{odd, []string{odd, ""}, nil, uint64(1<<64 - 1), 0.5, true},
		"client parameters": []any{odd, []string{odd}, nil, 7}, "text": []any{odd, 5}, "form": []any{odd, 100_000},
		"DB API":        []any{[]any{[]any{odd, 1}}, []string{"s", "n"}},
		"external data": []any{[]any{"", 1}, []any{"x,y", 2}}, "external data is gone": "Code: 60",
		"zone": "2026-07-01T12:00:00+09:00", "session zone": "2026-07-01T12:00:00+09:00",
		"far times": []string{"2299-12-31 23:59:59.999", "2299-12-31 23:59:59.999000", "2299-12-31 23:59:59.999000"},
		"blocks":    200_000, "summary": []string{"1000", "1"},
		"unknown table": "Code: 60", "unknown column": "Code: 47", "error in the middle": "Code: 395", "a bad row": "Code: 27",
		"a password": "Code: 516", "execution time": "Code: 159", "killed": "Code: 394", "unknown through SQLAlchemy": "Code: 60",
		"client's deadline": "OperationalError Error HTTPConnectionPool",
		"views":             viewRows(t), "ids": []any{[][]string{{sessionID}}, []map[string]string{{"event_id": eventID}}},
		"schemas": []string{"bi", "api", "tributary"}, "tables": lines(t, "SELECT name FROM system.tables WHERE database = 'bi' ORDER BY name"),
		"has table": []bool{true, false}, "comments": true, "count": 1, "select": []any{[]string{sessionID, "it's me"}},
		"read_sql": map[string]any{"visitor": []string{"it's me"}},
		"columns": map[string]string{"stage": "LowCardinality(String)", "processed_through": "DateTime64(3, 'UTC')", "final_through": "DateTime64(3, 'UTC')",
			"partitions": "UInt64", "partitions_expected": "UInt64"},
	})
	nothingRuns(t, "py-")
}

// Ensure that eight readers beside a writer see whole inserts only.
func TestPythonReaders(t *testing.T) {
	addr, _ := start(t)
	var got map[string]json.RawMessage
	python(t, addr, "readers", map[string]any{"batch": 1000, "batches": 20}, &got)
	expectJSON(t, got, map[string]any{"faults": []string{}, "rows": 20_000, "every reader read": true})
}
