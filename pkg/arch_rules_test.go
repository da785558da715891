package arch

import (
	"fmt"
	"strings"
	"testing"
)

// TestRulesCanFail feeds every rule with something it must refuse, and with a neighbour that it must let pass.
func TestRulesCanFail(t *testing.T) {
	t.Parallel()
	pkg := func(path string, imports ...string) []string {
		return importFaults(listed{ImportPath: module + "/" + path, Imports: imports})
	}
	tests := func(path string, imports ...string) []string {
		return importFaults(listed{ImportPath: module + "/" + path, XTestImports: imports})
	}
	own := func(path string) string { return module + "/" + path }
	body := func(code string) []string {
		return pureFaults(parse(t, "pkg/event/x.go", "package event\nimport \"time\"\nvar _ = time.Second\nfunc f() {\n"+code+"\n}"))
	}
	decl := func(code string) []string { return pureFaults(parse(t, "pkg/event/x.go", "package event\n"+code)) }
	test := func(imports, code string) []string {
		return testFaults(parse(t, "x_test.go", "package x\nimport ("+imports+")\nfunc f() {\n"+code+"\n}"))
	}
	for name, c := range map[string]struct {
		faults []string
		want   string // part of the only fault; empty: none
	}{
		"pure imports an adapter":        {pkg("pkg/session", own("pkg/state")), "may not import pkg/state"},
		"pure imports downwards":         {pkg("pkg/event", own("pkg/session")), "may not import pkg/session"},
		"pure imports its basis":         {pkg("pkg/session", own("pkg/event"), own("schemas/proto/tributary/v1")), ""},
		"stream imports an adapter":      {pkg("pkg/stream", own("pkg/kafka")), "may not import"},
		"schemas import a package":       {pkg("schemas/stores", own("pkg/event")), "may not import"},
		"sim imports a meaning":          {pkg("pkg/sim", own("pkg/funnel")), "may not import pkg/funnel"},
		"sim imports the enrichment":     {pkg("pkg/sim", own("pkg/enrich")), "may not import pkg/enrich"},
		"ingest imports the simulator":   {pkg("services/ingest", own("pkg/sim")), "may not import pkg/sim"},
		"lagwatch imports the engine":    {pkg("services/lagwatch/page", own("pkg/embedded/clickhouse")), "may not import"},
		"the CLI imports the engine":     {pkg("services/tributary/demo", own("pkg/embedded/clickhouse")), ""},
		"a service imports a service":    {pkg("services/tributary", own("services/ingest")), "may not import services/ingest"},
		"a service imports what is both": {pkg("services/ingest", own("services/internal/boot")), ""},
		"tests import a service":         {tests("services/ingest", own("services/aggregator/facts")), "of another service"},
		"the CLI's tests import all":     {tests("services/tributary/verdict", own("services/aggregator/facts")), ""},
		"the client runs a broker":       {pkg("pkg/kafka", own("pkg/kafka/kafkatest")), "which is for tests"},
		"the CLI uses the tests' engine": {pkg("services/tributary", own("pkg/embedded/harness")), "which is for tests"},
		"the suite uses the cluster":     {pkg("pkg/kafka/conformance", own("pkg/kafka/kafkatest")), ""},
		"the broker's program":           {pkg("pkg/kafka/kafkatest/serve", own("pkg/kafka/kafkatest")), ""},
		"a folder without a row":         {pkg("pkg/misc"), "has no row"},
		"Kafka's client elsewhere":       {pkg("pkg/collect", "github.com/segmentio/kafka-go/protocol"), "which is left to [pkg/kafka]"},
		"Kafka's client at home":         {pkg("pkg/kafka", "github.com/segmentio/kafka-go/protocol"), ""},
		"the driver in the engine":       {pkg("pkg/embedded/clickhouse", "github.com/ClickHouse/clickhouse-go/v2"), "left to"},
		"its codec in the engine":        {pkg("pkg/embedded/clickhouse", "github.com/ClickHouse/clickhouse-go/v2/lib/proto"), ""},
		"settings outside services":      {pkg("pkg/obs", "github.com/caarlos0/env/v11"), "left to [services]"},
		"country files elsewhere":        {pkg("pkg/collect", "github.com/oschwald/maxminddb-golang/v2"), "left to [pkg/enrich/country]"},
		"country files at home":          {pkg("pkg/enrich/country", "github.com/oschwald/maxminddb-golang/v2"), ""},
		"logs in the edge":               {pkg("pkg/enrich", "go.uber.org/zap"), "left to"},

		"pure with net/http":         {decl(`import "net/http"`), "no business with package net/http"},
		"pure with a library":        {decl(`import "go.uber.org/zap"`), "no business with package go.uber.org/zap"},
		"pure with the hash":         {decl(`import "github.com/cespare/xxhash/v2"`), ""},
		"pure looks at the clock":    {body("_ = time.Now()"), "no clock: time.Now"},
		"pure hands the clock on":    {body("g(time.Now)"), "no clock: time.Now"},
		"pure renames the clock":     {decl("import t \"time\"\nfunc f() { t.Sleep(1) }"), "no clock: time.Sleep"},
		"pure with a duration":       {body("_ = time.Minute"), ""},
		"pure starts a goroutine":    {body("go g()"), "no goroutine"},
		"pure has a channel":         {decl("func f(c chan int) {}"), "no channel"},
		"pure selects":               {body("select {}"), "no select"},
		"pure has init":              {decl("func init() {}"), "no init function"},
		"pure has a method init":     {decl("type T struct{}\nfunc (T) init() {}"), ""},
		"pure has a variable":        {decl("var cache map[string]int"), "no package variable cache"},
		"pure has a table":           {decl("var table = []int{1}"), "no package variable table"},
		"pure has a sentinel":        {decl("import \"errors\"\nvar errShort = errors.New(\"short\")"), ""},
		"pure has an embedded table": {decl("import _ \"embed\"\n//go:embed x\nvar table []byte"), ""},
		"pure checks an interface":   {decl("type T struct{}\nvar _ I = T{}"), ""},

		"a test sleeps":             {test(`"time"`, "time.Sleep(1)"), "sleeps for real"},
		"a test sleeps in a bubble": {test(`"time"; "testing/synctest"`, "time.Sleep(1)"), ""},
		"a test skips":              {test(`"testing"`, "t.Skip()"), "skips without a reason"},
		"a test skips now":          {test(`"testing"`, "t.SkipNow()"), "skips without a reason"},
		"a test skips with nothing": {test(`"testing"`, "t.Skip(\"\")"), "skips without a reason"},
		"a test skips with reason":  {test(`"testing"`, "t.Skip(\"no engine\")"), ""},

		"a stray folder":      {topLevelFaults(append([]string{"src/x.go", ".github/x"}, topLevel...)), "src: has no place"},
		"a missing file":      {topLevelFaults(topLevel[1:]), "LICENSE: is missing"},
		"a registry":          {hostFaults("x.sh", "curl https://"+hosts[0]+"/x"), "names the registry"},
		"another host":        {hostFaults("x.sh", "curl https://shop.example/x"), ""},
		"a long main":         {mainFaults("services/ingest/main.go", strings.Repeat("\n", mainLines+1)), "41 lines"},
		"a long file":         {mainFaults("services/ingest/app.go", strings.Repeat("\n", 100)), ""},
		"a new dependency":    {dependencyFaults([]requirement{{Path: "github.com/new/thing"}}), "github.com/new/thing is not in the list"},
		"an indirect one":     {dependencyFaults([]requirement{{Path: "github.com/new/thing", Indirect: true}}), ""},
		"a listed dependency": {dependencyFaults([]requirement{{Path: "go.uber.org/zap"}}), ""},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); expect(t, c.faults, c.want) })
	}
}

// TestOrderCanFail feeds the rule of map order with loops whose order shows, and with some whose order cannot.
func TestOrderCanFail(t *testing.T) {
	t.Parallel()
	imp := exports(t, "maps", "slices", "sort", "errors")
	const may, sorts = "may show", "own order"
	for i, c := range []struct{ code, want string }{
		{"for k := range m { out = append(out, k) }; return out", may},
		{"for k := range m { out = append(out, k) }; slices.Sort(out); return out", ""},
		{"slices.Sort(out); for k := range m { out = append(out, k) }; return out", may},
		{"for k := range m { if k != `` { out = append(out, k) } }; sort.Strings(out); return out", ""},
		{"for _, v := range m { f += float64(v) }", may},
		{"for _, v := range m { s += string(rune(v)) }", may},
		{"for _, v := range m { n += v }", ""},
		{"for range m { n++ }", ""},
		{"for _, v := range m { n = v }", may},
		{"for _, v := range m { n = min(n, v) }", ""},
		{"for _, v := range m { if n < 5 { n += v } }", may},
		{"for k, v := range m { if v < 5 { delete(m, k) } }", ""},
		{"for k, v := range m { other[k] = v }", ""},
		{"for k, v := range m { other[`last`] = v; _ = k }", may},
		{"for k := range m { call(k) }", may},
		{"for _, v := range m { n += turn(v) }", may},
		{"for k := range m { return []string{k} }", may},
		{"for k := range m { other[k] = 1; break }", may},
		{"// any order: call takes a set\nfor k := range m { call(k) }", ""},
		{"// any order:\nfor k := range m { call(k) }", may},
		{"for k := range maps.Keys(m) { call(k) }", may},
		{"for _, k := range slices.Sorted(maps.Keys(m)) { call(k) }", ""},
		{"return slices.Collect(maps.Keys(m))", sorts},
		{"for k := range named { call(k) }", may},
		{"for _, k := range out { call(k) }", ""},
	} {
		t.Run(fmt.Sprintf("%02d", i), func(t *testing.T) { // one after the other: the importer is not made for more
			text := `package event
import ("maps"; "slices"; "sort")
var _, _, _ = maps.Keys[map[int]int], slices.Sort[[]string], sort.Strings
type set map[string]int
func call(string) {}
func turn(int) int { return 0 }
func f(m, other map[string]int, named set, out []string, n int, s string, f float64) []string {
` + c.code + "\nreturn nil }"
			var faults []string
			for _, w := range orderFaults(check(t, []source{parse(t, "pkg/event/x.go", text)}, imp)) {
				faults = append(faults, w.fault)
			}
			expect(t, faults, c.want)
		})
	}
}

func expect(t *testing.T, faults []string, want string) {
	t.Helper()
	if want == "" && len(faults) > 0 || want != "" && (len(faults) != 1 || !strings.Contains(faults[0], want)) {
		t.Errorf("faults: %q, want one with %q (empty: none)", faults, want)
	}
}
