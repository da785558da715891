package clients_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
)

// node runs testdata/client.mjs and decodes what it prints. The script comes by standard input, so that its imports are
// looked up from the working folder, where the packages are.
func node(t *testing.T, addr, mode string, arguments map[string]any, out any) {
	t.Helper()
	b, err := json.Marshal(arguments)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("testdata/client.mjs")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := exec.CommandContext(t.Context(), "node", "--input-type=module", "-", mode, "http://"+addr, string(b))
	c.Dir, c.Stdin = harness.Node(t, "../e2e/testdata"), f
	decode(t, c, out)
}

// npm are the arguments of the script's types.
func (c *columns) npm(formats []string) map[string]any {
	hex := []string{"n"}
	for i, typ := range c.types {
		name := "c" + strconv.Itoa(i)
		if strings.HasPrefix(typ, "FixedString") {
			name += "_hex"
		}
		hex = append(hex, name)
	}
	return map[string]any{"create": c.create("TABLE_NAME"), "createHex": c.createHex("TABLE_NAME"), "selectHex": c.selectHex("reference"), "columnsHex": hex, "formats": formats}
}

// Ensure that @clickhouse/client reads and writes every type: as JSON, plain and compressed, with ids as hex, and as
// bytes of the other formats.
func TestNpmTypes(t *testing.T) {
	addr, columns := start(t)
	formats := slices.DeleteFunc(slices.Clone(rawFormats), func(f string) bool { return strings.HasPrefix(f, "JSON") })
	var got map[string][][]any
	node(t, addr, "types", columns.npm(formats), &got)
	for _, name := range []string{"plain", "gzip"} {
		for _, f := range []string{"JSONEachRow", "JSONCompactEachRow"} {
			columns.expectRead(t, f+", "+name, got[f+", "+name])
			columns.expectSame(t, "js_"+name+"_"+strings.ToLower(f))
		}
		for _, f := range formats {
			columns.expectSame(t, "js_"+name+"_"+strings.ToLower(f)+"_raw")
		}
	}
}

// Ensure that everything else that the client does comes back as from a server.
func TestNpmWays(t *testing.T) {
	addr, _ := start(t)
	var got map[string]json.RawMessage
	node(t, addr, "ways", map[string]any{"endless": endless("MARK"), "odd": odd, "long": 100_000}, &got)
	twice := func(e ...string) [][]string { return [][]string{e, e} }
	expectJSON(t, got, map[string]any{
		"ping": true, "ping with a query": true, "query id": "js-id", "database": []any{map[string]string{"d": "system"}}, "setting": []any{map[string]int{"n": 1}},
		"parameters": []any{map[string]any{"s": odd, "a": []string{odd, ""}, "n": nil, "d": "2026-07-01 12:00:00.678", "m": map[string]int{"k": 1}, "b": true}},
		"form":       []any{map[string]string{"s": odd, "l": "100000"}}, "form by itself": []any{map[string]string{"l": "100000"}},
		"far times": []any{map[string]string{"at": "2299-12-31 23:59:59.999"}},
		"json":      map[string]any{"meta": []any{map[string]string{"name": "a", "type": "UInt8"}}, "data": []any{map[string]int{"a": 1}}, "rows": 1},
		"text":      "\"a\",\"b\"\n1,\"x,\"\"y\"\"\"\n", "tsv": "a\nString\na\\tb\n",
		"views": viewRows(t), "ids": []any{[]any{map[string]string{"session_id": sessionID}}, []any{map[string]string{"event_id": eventID}}},
		"errors": slices.Concat(twice("60", "UNKNOWN_TABLE"), twice("47", "UNKNOWN_IDENTIFIER"),
			twice("395", "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO")),
		"password": []string{"516", "AUTHENTICATION_FAILED"}, "readonly": []string{"164", "READONLY"}, "streamed": 200_000,
		"session": []any{"2", []any{map[string]string{"s": "3"}}}, "inserted stream": []any{map[string]any{"n": "50001", "m": 60000}},
		"broken stream": "the source broke", "after the broken stream": []any{map[string]string{"n": "50001"}}, // none of its rows
		"abort": "The user aborted a request.", "request timeout": "Timeout error.", "killed": []string{"394", "QUERY_WAS_CANCELLED"},
	})
	nothingRuns(t, "js-")
}
