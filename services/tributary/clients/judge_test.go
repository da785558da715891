package clients_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/embedded/harness"
)

// expectRead compares what a client read of the whole table, without n, with the edge values.
func (c *columns) expectRead(t *testing.T, what string, got [][]any) {
	t.Helper()
	if len(got) != len(c.rows) {
		t.Errorf("%s: %d rows, expected %d", what, len(got), len(c.rows))
		return
	}
	for i, row := range c.rows {
		for j, typ := range c.types {
			if g, w := normal(typ, got[i][j]), normal(typ, row[j].want); !reflect.DeepEqual(g, w) {
				t.Errorf("%s: row %d, type %s: got %.200q, expected %.200q", what, i, typ, fmt.Sprint(g), fmt.Sprint(w))
			}
		}
	}
}

// normal brings the ways in which languages print a value of the type into one.
func normal(typ string, v any) any {
	outer, inner, _ := strings.Cut(strings.TrimSuffix(typ, ")"), "(")
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = normal(inner, v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		_, val, _ := strings.Cut(inner, ", ")
		for k, x := range v {
			out[k] = normal(val, x)
		}
		return out
	case json.Number:
		return normal(typ, v.String())
	case string:
		switch outer {
		case "LowCardinality", "Nullable":
			return normal(inner, v)
		case "FixedString":
			if len(v) == 16 {
				return hex.EncodeToString([]byte(v))
			}
		case "Float64":
			if f, err := strconv.ParseFloat(v, 64); err == nil && f == f {
				return strconv.FormatUint(math.Float64bits(f), 16) // minus zero is not zero
			}
		case "Date": // pandas has times only
			return strings.TrimSuffix(v, " 00:00:00.000")
		case "DateTime", "DateTime64":
			return strings.TrimSuffix(v, ".000")
		}
	}
	return v
}

// expectSame compares a table that a client wrote with the reference, by what the engine says of both.
func (c *columns) expectSame(t *testing.T, table string) {
	t.Helper()
	names := make([]string, 0, len(c.types))
	for i, typ := range c.types {
		name := fmt.Sprintf("c%d", i)
		switch { // languages keep no order of a map's keys
		case strings.HasPrefix(typ, "Map("):
			name = "mapSort(" + name + ")"
		case strings.HasPrefix(typ, "Array(Map("):
			name = "arrayMap(m -> mapSort(m), " + name + ")"
		}
		names = append(names, name)
	}
	query := "SELECT toString((n, " + strings.Join(names, ", ") + ")) FROM %s ORDER BY n"
	got, want := lines(t, fmt.Sprintf(query, table)), lines(t, fmt.Sprintf(query, "reference"))
	if len(got) != len(want) {
		t.Errorf("%s: %d rows, expected %d", table, len(got), len(want))
		return
	}
	for i := range want {
		if at := differ(got[i], want[i]); at >= 0 {
			t.Errorf("%s: row %d differs: got %q, expected %q", table, i, part(got[i], at), part(want[i], at))
		}
	}
}

// differ is the first place where two texts differ, or -1.
func differ(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}

func part(s string, at int) string { return s[max(0, at-60):min(len(s), at+60)] }

// lines are the values of a query with one column.
func lines(t *testing.T, query string) (out []string) {
	t.Helper()
	db, err := clickhouse.Open(clickhouse.Config{Addr: harness.Engine(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Each(t.Context(), query, func(scan func(...any) error) error {
		out = append(out, "")
		return scan(&out[len(out)-1])
	}); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

// expectJSON compares by name what a script printed with what is expected, both as JSON.
func expectJSON(t *testing.T, got map[string]json.RawMessage, want map[string]any) {
	t.Helper()
	for name, w := range want {
		b, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(exact(t, got[name]), exact(t, b)) {
			t.Errorf("%s: got %s, expected %s", name, got[name], b)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: the script printed what nobody expects: %s", name, got[name])
		}
	}
}

// exact is the JSON with numbers as they are written.
func exact(t *testing.T, b []byte) (v any) {
	t.Helper()
	if len(b) == 0 {
		return errors.New("nothing")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return v
}

// nothingRuns waits until no statement with the mark runs.
func nothingRuns(t *testing.T, mark string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); len(running(t, mark)) > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("a statement that its client left still runs: %s", mark)
		}
	}
}

func running(t *testing.T, mark string) []string {
	t.Helper()
	return lines(t, "SELECT query FROM system.processes WHERE query LIKE '%"+mark+"%' AND query NOT LIKE '%system.processes%'")
}
