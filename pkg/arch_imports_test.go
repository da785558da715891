package arch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// room says what the packages in a folder may import of ours, besides the folder itself and the schemas.
type room struct {
	folder   string
	may, not []string
}

var laptop = []string{"pkg/sim", "pkg/embedded"} // only for the CLI

// forTests are packages that only tests import, and each other.
var forTests = []string{"pkg/embedded/harness", "pkg/kafka/kafkatest", "pkg/kafka/conformance"}

// rooms point one way: services → adapters and edge → stream → pure.
var rooms = []room{
	{folder: "schemas"},

	{folder: "pkg/event"},
	{folder: "pkg/session", may: []string{"pkg/event"}},
	{folder: "pkg/journey", may: []string{"pkg/event", "pkg/session"}},
	{folder: "pkg/funnel", may: []string{"pkg/event", "pkg/session"}},
	{folder: "pkg/insight", may: []string{"pkg/event", "pkg/session", "pkg/funnel"}},

	{folder: "pkg/stream"},
	{folder: "pkg/obs"},
	{folder: "pkg/checkpoint"}, // it takes an interface, so not even state
	{folder: "pkg/kafka/kafkatest", may: []string{"pkg/kafka"}},
	{folder: "pkg/kafka/conformance", may: []string{"pkg/kafka", "pkg/stream"}},
	{folder: "pkg/kafka", may: []string{"pkg/stream"}},
	{folder: "pkg/state", may: []string{"pkg/stream"}},
	{folder: "pkg/clickhouse", may: pure},
	{folder: "pkg/enrich", may: []string{"pkg/event", "pkg/obs"}},
	{folder: "pkg/collect", may: []string{"pkg/event", "pkg/obs", "pkg/enrich"}},

	{folder: "pkg/sim"}, // the ground truth owes nothing to what it judges
	{folder: "pkg/embedded/harness", may: []string{"pkg/embedded"}},
	{folder: "pkg/embedded/kafka", may: []string{"pkg/obs"}},
	{folder: "pkg/embedded/clickhouse", may: []string{"pkg/obs"}},

	{folder: "services/internal", may: []string{"pkg"}, not: laptop},
	{folder: "services/ingest", may: []string{"pkg", "services/internal"}, not: laptop},
	{folder: "services/sessionizer", may: []string{"pkg", "services/internal"}, not: laptop},
	{folder: "services/aggregator", may: []string{"pkg", "services/internal"}, not: laptop},
	{folder: "services/lagwatch", may: []string{"pkg", "services/internal"}, not: laptop},
	{folder: "services/tributary", may: []string{"pkg", "services/internal"}},
}

// adapters are the rooms around one library each. Their loggers and registries are parameters.
var adapters = []string{"pkg/stream", "pkg/kafka", "pkg/state", "pkg/checkpoint", "pkg/clickhouse", "pkg/embedded"}

// libraries that only some folders may import. The longest path that fits decides.
var libraries = []struct {
	path string
	in   []string
}{
	{"github.com/segmentio/kafka-go", []string{"pkg/kafka"}},
	{"github.com/twmb/franz-go", []string{"pkg/embedded/kafka"}},
	{"github.com/ClickHouse/clickhouse-go", []string{"pkg/clickhouse"}},
	{"github.com/ClickHouse/clickhouse-go/v2/lib/proto", []string{"pkg/clickhouse", "pkg/embedded/clickhouse"}},
	{"github.com/ClickHouse/ch-go", []string{"pkg/embedded/clickhouse"}},
	{"github.com/ebitengine/purego", []string{"pkg/embedded/clickhouse"}},
	{"github.com/cockroachdb/pebble", []string{"pkg/state", "pkg/checkpoint"}},
	{"gocloud.dev", []string{"pkg/checkpoint"}},
	{"github.com/caarlos0/env", []string{"services"}},
	{"github.com/alecthomas/kong", []string{"services/tributary"}},
	{"github.com/jedib0t/go-pretty", []string{"services/tributary"}},
	{"github.com/mileusna/useragent", []string{"pkg/enrich"}},
	{"gonum.org/v1/gonum", []string{"pkg/insight", "pkg/sim"}},
	{"github.com/oschwald/maxminddb-golang", []string{"pkg/enrich/country"}},
	{"github.com/maxmind/mmdbwriter", nil}, // tests only
	{"github.com/santhosh-tekuri/jsonschema", []string{"schemas/stores"}},
	{"go.uber.org/zap", append([]string{"pkg/obs", "services"}, adapters...)},
	{"github.com/prometheus/client_golang", append([]string{"pkg/obs", "pkg/collect", "services"}, adapters...)},
	{"pgregory.net/rapid", nil}, // tests only
}

// listed is one package as go list sees it.
type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// ours is a package's path inside the repository.
func ours(importPath string) (string, bool) { return strings.CutPrefix(importPath, module+"/") }

// importFaults checks one package. Tests may import what they like, except other services.
func importFaults(p listed) []string {
	from, ok := ours(p.ImportPath)
	if !ok || from == "pkg" {
		return nil
	}
	i := slices.IndexFunc(rooms, func(r room) bool { return under(from, r.folder) })
	if i < 0 {
		return []string{from + ": has no row in the import rules of pkg/arch_imports_test.go"}
	}
	var faults []string
	for _, to := range p.Imports {
		if !rooms[i].allows(to) {
			faults = append(faults, fmt.Sprintf("%s: may not import %s", from, strings.TrimPrefix(to, module+"/")))
		}
		if own, isOurs := ours(to); isOurs && underAny(own, forTests) && !underAny(from, forTests) {
			faults = append(faults, fmt.Sprintf("%s: imports %s, which is for tests", from, own))
		}
		if in, ruled := keepers(to); ruled && !underAny(from, in) {
			faults = append(faults, fmt.Sprintf("%s: imports %s, which is left to %v", from, to, in))
		}
	}
	for _, to := range slices.Concat(p.TestImports, p.XTestImports) {
		if crossesServices(rooms[i].folder, to) && rooms[i].folder != "services/tributary" {
			faults = append(faults, fmt.Sprintf("%s: its tests import %s of another service", from, to))
		}
	}
	return faults
}

func (r room) allows(importPath string) bool {
	to, isOurs := ours(importPath)
	return !isOurs || under(to, r.folder) || under(to, "schemas") || underAny(to, r.may) && !underAny(to, r.not)
}

func crossesServices(folder, importPath string) bool {
	to, isOurs := ours(importPath)
	return isOurs && under(folder, "services") && under(to, "services") && !under(to, folder) && !under(to, "services/internal")
}

// keepers are the folders that may import a library, if there is a rule for it.
func keepers(importPath string) (in []string, ruled bool) {
	longest := ""
	for _, l := range libraries {
		if under(importPath, l.path) && len(l.path) > len(longest) {
			longest, in = l.path, l.in
		}
	}
	return in, longest != ""
}

func TestImports(t *testing.T) {
	t.Parallel()
	sources(t) // the cached result depends on them
	packages := goList[listed](t, "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	if len(packages) < 10 {
		t.Fatalf("go list found %d packages", len(packages))
	}
	for _, p := range packages {
		report(t, importFaults(p))
	}
}
