package arch

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"os"
	"slices"
	"strings"
	"testing"
)

// topLevel is all that lies at the repository's root, besides dot-files.
var topLevel = []string{"LICENSE", "README.md", "docker-compose.yml", "go.mod", "go.sum", "helm", "pkg", "schemas", "scripts", "services"}

// direct dependencies, and what each is for. A new one needs a line here.
var direct = map[string]string{
	"github.com/segmentio/kafka-go":            "the only Kafka client",
	"github.com/ClickHouse/clickhouse-go/v2":   "the only ClickHouse client",
	"github.com/ClickHouse/ch-go":              "block compression of the embedded engine's front end",
	"github.com/cockroachdb/pebble/v2":         "state of a partition",
	"gocloud.dev":                              "the bucket of checkpoints: folder, S3, Google Cloud Storage",
	"google.golang.org/protobuf":               "records in the log",
	"github.com/planetscale/vtprotobuf":        "their fast codec",
	"github.com/klauspost/compress":            "gzip of requests, snappy and zstd of batches",
	"github.com/pierrec/lz4/v4":                "lz4 of blocks in the embedded engine's front end",
	"github.com/cespare/xxhash/v2":             "the partitioner's hash",
	"go.uber.org/zap":                          "logs",
	"github.com/prometheus/client_golang":      "metrics",
	"github.com/caarlos0/env/v11":              "settings from the environment",
	"github.com/go-json-experiment/json":       "strict and fast JSON at the edge",
	"github.com/goccy/go-yaml":                 "store files",
	"github.com/santhosh-tekuri/jsonschema/v6": "the store file's schema",
	"github.com/mileusna/useragent":            "device and browser",
	"github.com/oschwald/maxminddb-golang/v2":  "countries of addresses, from a file",
	"golang.org/x/net":                         "the public suffix list",
	"golang.org/x/sync":                        "errgroup",
	"golang.org/x/term":                        "is this a terminal?",
	"golang.org/x/sys":                         "file locks of the embedded broker and engine",
	"github.com/alecthomas/kong":               "the command line",
	"github.com/jedib0t/go-pretty/v6":          "tables and progress in the terminal",
	"github.com/twmb/franz-go":                 "the embedded broker's record format",
	"github.com/twmb/franz-go/pkg/kfake":       "the embedded broker",
	"github.com/twmb/franz-go/pkg/kmsg":        "the embedded broker's messages",
	"github.com/ebitengine/purego":             "calls the embedded engine without cgo",
	"github.com/google/uuid":                   "ids of annotations; tests: a column type of the driver",
	"github.com/shopspring/decimal":            "tests: a column type of the driver",
	"github.com/johannesboyne/gofakes3":        "tests: an S3",
	"gonum.org/v1/gonum":                       "distributions of statistics",
	"github.com/maxmind/mmdbwriter":            "tests: a file of countries",
	"pgregory.net/rapid":                       "tests: properties",
}

// hosts of package registries: builds ask whatever proxy or mirror their machine is set to.
var hosts = []string{"proxy." + "golang.org", "registry." + "npmjs.org", "repo1." + "maven.org", "pypi" + ".org", "crates" + ".io",
	"deb.debian" + ".org"}

// mainLines is the most that a service's main.go may have: signals, arguments, exit code.
const mainLines = 40

// tracked lists what git has or would add. Files that went away are left out.
func tracked(t *testing.T) []string {
	t.Helper()
	var out []string
	for f := range strings.SplitSeq(string(run(t, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")), "\x00") {
		if info, err := os.Stat(root + "/" + f); f != "" && err == nil && info.Mode().IsRegular() {
			out = append(out, f)
		}
	}
	return out
}

func topLevelFaults(files []string) []string {
	var faults []string
	seen := map[string]bool{}
	for _, f := range files {
		top, _, _ := strings.Cut(f, "/")
		if !seen[top] && !slices.Contains(topLevel, top) && top[0] != '.' {
			faults = append(faults, top+": has no place at the repository's root")
		}
		seen[top] = true
	}
	for _, want := range topLevel {
		if !seen[want] {
			faults = append(faults, want+": is missing at the repository's root")
		}
	}
	return faults
}

func hostFaults(path, text string) []string {
	var faults []string
	for _, h := range hosts {
		if strings.Contains(text, h) {
			faults = append(faults, fmt.Sprintf("%s: names the registry %s; the machine's settings choose that", path, h))
		}
	}
	return faults
}

func mainFaults(path, text string) []string {
	parts := strings.Split(path, "/")
	if n := strings.Count(text, "\n"); len(parts) == 3 && parts[0] == "services" && parts[2] == "main.go" && n > mainLines {
		return []string{fmt.Sprintf("%s: %d lines, at most %d: the work belongs beside it", path, n, mainLines)}
	}
	return nil
}

// requirement of go.mod.
type requirement struct {
	Path     string
	Indirect bool
}

func dependencyFaults(require []requirement) []string {
	var faults []string
	for _, r := range require {
		if !r.Indirect && direct[r.Path] == "" {
			faults = append(faults, "go.mod: "+r.Path+" is not in the list of direct dependencies; say there what it is for")
		}
	}
	return faults
}

func TestRepository(t *testing.T) {
	t.Parallel()
	files := tracked(t)
	report(t, topLevelFaults(files))
	for _, f := range files {
		b, err := os.ReadFile(root + "/" + f)
		if err != nil {
			continue // went away
		}
		report(t, hostFaults(f, string(b)))
		report(t, mainFaults(f, string(b)))
	}
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	var mod struct{ Require []requirement }
	if err := json.Unmarshal(run(t, "go", "mod", "edit", "-json"), &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Require) == 0 {
		t.Fatal("go.mod requires nothing")
	}
	report(t, dependencyFaults(mod.Require))
}

// testFaults checks a test file: no real waiting, and no test that skips without a word.
func testFaults(s source) []string {
	var faults []string
	clock, bubble := s.imported("time"), s.imported("testing/synctest")
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := c.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		switch name := exprText(sel); {
		case clock != "" && name == clock+".Sleep" && bubble == "":
			faults = append(faults, at(n)+": sleeps for real: use testing/synctest, or wait for what happens")
		case sel.Sel.Name == "SkipNow", sel.Sel.Name == "Skip" && wordless(c.Args), sel.Sel.Name == "Skipf" && wordless(c.Args):
			faults = append(faults, at(n)+": skips without a reason")
		}
		return true
	})
	return faults
}

func wordless(args []ast.Expr) bool {
	if len(args) == 0 {
		return true
	}
	l, ok := args[0].(*ast.BasicLit)
	return ok && len(strings.TrimSpace(l.Value)) <= 2
}

func TestTests(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.isTest() {
			report(t, testFaults(s))
		}
	}
}
