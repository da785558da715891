package stack_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const kit = "../../../schemas/bi/"

// kitFile reads one file of the BI kit into a value.
func kitFile(t *testing.T, name string, into any, read func([]byte, any) error) {
	t.Helper()
	b, err := os.ReadFile(kit + name)
	if err == nil {
		err = read(b, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func readYAML(b []byte, into any) error { return yaml.Unmarshal(b, into) }

// timeFilter is Grafana's macro.
var timeFilter = regexp.MustCompile(`\$__timeFilter\(((?:[^()]|\([^()]*\))*)\)`)

// grafana lists the queries of a dashboard as its plug-in sends them.
func grafana(t *testing.T, name string) (out []string) {
	t.Helper()
	type target struct{ RawSQL string }
	var board struct {
		Templating  struct{ List []struct{ Query string } }
		Annotations struct{ List []struct{ Target target } }
		Panels      []struct {
			Title   string
			Targets []target
		}
	}
	kitFile(t, name, &board, func(b []byte, into any) error { return json.Unmarshal(b, into) })
	for _, v := range board.Templating.List {
		out = append(out, v.Query)
	}
	for _, a := range board.Annotations.List {
		out = append(out, a.Target.RawSQL)
	}
	for _, p := range board.Panels {
		for _, q := range p.Targets {
			out = append(out, q.RawSQL)
		}
	}
	for i, q := range out {
		q = timeFilter.ReplaceAllString(q, "$1 >= toDateTime(0) AND $1 <= toDateTime(2000000000)")
		out[i] = strings.NewReplacer("${store}", "demo", "${funnel}", "purchase").Replace(q)
	}
	return out
}

// cube lists queries with each dimension and each measure of a model, as Cube writes them.
func cube(t *testing.T) (out []string) {
	t.Helper()
	type member struct{ SQL, Type string }
	var model struct {
		Cubes []struct {
			SQLTable   string `yaml:"sql_table"`
			Dimensions []member
			Measures   []member
		}
	}
	kitFile(t, "cube/model/funnel.yml", &model, readYAML)
	for _, c := range model.Cubes {
		for _, d := range c.Dimensions {
			for _, m := range c.Measures {
				sql := m.SQL
				if m.Type == "sum" {
					sql = "sum(" + sql + ")"
				}
				out = append(out, "SELECT "+d.SQL+", "+sql+" FROM "+c.SQLTable+" GROUP BY 1")
			}
		}
	}
	return out
}

func superset(t *testing.T) (out []string) {
	t.Helper()
	var set struct {
		Table   string `yaml:"table_name"`
		Schema  string
		Metrics []struct{ Expression string }
		Columns []struct {
			Name string `yaml:"column_name"`
		}
	}
	kitFile(t, "superset/tributary.yaml", &set, readYAML)
	for _, c := range set.Columns {
		for _, m := range set.Metrics {
			out = append(out, "SELECT "+c.Name+", "+m.Expression+" FROM "+set.Schema+"."+set.Table+" GROUP BY "+c.Name)
		}
	}
	return out
}

func dbt(t *testing.T) (out []string) {
	t.Helper()
	var file struct {
		Sources []struct {
			Schema string
			Tables []struct {
				Name    string
				Columns []struct{ Name string }
			}
		}
	}
	kitFile(t, "dbt/sources.yml", &file, readYAML)
	for _, s := range file.Sources {
		for _, table := range s.Tables {
			var names []string
			for _, c := range table.Columns {
				names = append(names, c.Name)
			}
			out = append(out, "SELECT "+strings.Join(names, ", ")+" FROM "+s.Schema+"."+table.Name)
		}
	}
	return out
}

// metabase lists the blocks of SQL of its page.
func metabase(t *testing.T) (out []string) {
	t.Helper()
	b, err := os.ReadFile(kit + "metabase.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, block := range strings.Split(string(b), "```") {
		if sql, ok := strings.CutPrefix(block, "sql\n"); ok && i%2 == 1 {
			out = append(out, sql)
		}
	}
	return out
}

// Ensure that every query of the BI kit runs, and that those with data show some.
func TestBIKit(t *testing.T) {
	db := fresh(t)
	days(t, db, 1, 1)
	queries := append(append(append(cube(t), superset(t)...), dbt(t)...), metabase(t)...)
	boards, err := filepath.Glob(kit + "grafana/dashboards/*.json")
	if err != nil || len(boards) < 2 {
		t.Fatalf("dashboards %v, %v", boards, err)
	}
	for _, b := range boards {
		queries = append(queries, grafana(t, strings.TrimPrefix(b, kit))...)
	}
	if len(queries) < 80 {
		t.Fatalf("only %d queries were found", len(queries))
	}
	some := 0
	for _, q := range queries {
		if strings.Contains(q, "$") {
			t.Errorf("a macro that no test knows: %s", q)
		}
		if len(lines(t, db, q)) > 0 {
			some++
		}
	}
	if some < len(queries)/2 {
		t.Errorf("%d of %d queries show rows", some, len(queries))
	}
}
