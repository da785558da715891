package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// way is how a test runs a command of a page. The first of these that is set counts, after that which stands beside it.
type way struct {
	// short is a quicker form, which is run instead of the command.
	short string
	// test is the folder and the name of the test that runs it, or what it would: it takes too long or too much here.
	test string
	// parse only looks at the script, for the reason that stands here.
	parse string
	// exit is the expected exit code, and shows what is printed in the end: what needs a moment is asked again.
	exit  int
	shows string
}

const (
	aMutant  = `./scripts/proof mutants -only "a pause of exactly the gap cuts, on the fast path"`
	someTest = "./scripts/test ./pkg/session -run Gap"
	small    = " --events 1000 --pace 0"
)

// rows say for every command of README.md and CONTRIBUTING.md how it is run. A command without a row, or with none of
// the beginnings below, fails the test.
var rows = map[string]way{
	"./scripts/demo": {short: "./scripts/demo" + small, shows: "difference 0"},
	"./scripts/demo --pace 0 --sabotage drop":      {short: "./scripts/demo --sabotage drop" + small, exit: 3, shows: "\ncell "},
	"./scripts/demo --chaos":                       {test: "services/tributary/demo TestChaos"},
	"./scripts/demo --pace 0 --events 5000 --json": {test: "services/tributary/demo TestJSON"},
	"./scripts/demo --keep":                        {test: "services/tributary/e2e TestREADMEQueries"},
	"./scripts/demo --prune":                       {test: "services/tributary/demo TestEarlierRuns"},
	"./scripts/demo --help":                        {shows: "--sabotage"},
	"./scripts/test":                               {short: someTest},
	"./scripts/test ./pkg/session":                 {short: someTest},
	someTest:                                       {shows: "ok"},
	"./scripts/bench":                              {short: "./scripts/bench --events 2000 --rounds 1 --partitions 2", shows: "whole path"},
	"./scripts/proof mutants":                      {short: aMutant},
	aMutant:                                        {shows: "1 of 1 killed"},
	"./scripts/proof chaos":                        {test: "services/tributary/demo TestChaos"},
	"./scripts/generate":                           {parse: "needs protoc, and writes into the tree"},
	".ci/run":                                      {parse: "runs these tests"},
	"tributary dev":                                {test: "services/tributary/e2e TestDev"},
	"export TRIBUTARY_CLICKHOUSE_PASSWORD=choose-one":                  {},
	"docker compose up --build --wait":                                 {test: "scripts/tools/deploy TestComposeServices"},
	"go test ./services/tributary/e2e -run TestREADMESettings -update": {test: "services/tributary/e2e TestREADMESettings"},
}

// beginnings of commands that are run as they stand, in order, against one running stack.
var beginnings = []struct {
	text string
	way  way
}{
	{"export PATH=", way{}},
	{"curl -u demo-write-key:", way{shows: `{"success":true}`}},
	{"curl 'http://127.0.0.1:8123/", way{shows: "never changes again"}},
	{"curl -i http://127.0.0.1:8081/readyz", way{shows: "200 OK"}},
	{"curl -s http://127.0.0.1:8081/metrics", way{shows: "tributary_ingest_events_total"}},
	{"tributary send ", way{shows: "200 OK"}},
	{"tributary tail ", way{shows: "product_viewed"}},
	{"tributary query completeness", way{shows: "final_through"}},
	{"tributary query --format csv", way{shows: "purchased,1"}},
	{"tributary query ", way{shows: "Email"}},
	{"tributary topics create ", way{shows: "12 partitions"}},
	{"tributary migrate ", way{shows: "nothing to do"}},
	{"tributary store check ", way{shows: "ok"}},
	{"tributary store apply ", way{shows: "nothing to do"}},
	{"tributary store show ", way{shows: "partition  11"}},
	{"TRIBUTARY_KAFKA_BROKERS=127.0.0.1:9092 ingest --check", way{}},
	{"sessionizer --help", way{shows: "TRIBUTARY_STATE_DIR"}},
	{"helm install ", way{test: "scripts/tools/deploy TestREADMEInstall"}},
}

// how a command is run.
func how(command string) (way, bool) {
	if w, ok := rows[command]; ok {
		return w, true
	}
	for _, b := range beginnings {
		if strings.HasPrefix(command, b.text) {
			return b.way, true
		}
	}
	return way{}, false
}

// remark of a line in a block: at its beginning, or after two blanks at least.
var remark = regexp.MustCompile(`(^|\s{2,})# .*$`)

// commands of a block, without remarks. One that goes over several lines ends where the shell says that it is whole.
func commands(t *testing.T, block string) (out []string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(block) {
		line = remark.ReplaceAllString(strings.TrimSuffix(line, "\n"), "")
		if line == "" && len(lines) == 0 {
			continue
		}
		lines = append(lines, line)
		command := strings.Join(lines, "\n")
		if strings.HasSuffix(command, `\`) || exec.Command("bash", "-n", "-c", command).Run() != nil {
			continue
		}
		out, lines = append(out, command), nil
	}
	if len(lines) > 0 {
		t.Fatalf("the shell does not understand:\n%s", strings.Join(lines, "\n"))
	}
	return out
}

// shell runs commands as somebody would who has a stack at the usual addresses.
type shell struct {
	pipeline
	env       []string
	addresses *strings.Replacer
}

func newShell(t *testing.T, p pipeline) shell {
	t.Helper()
	lib, err := harness.Library(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "PATH="+plain(t)+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+t.TempDir(), "TRIBUTARY_ENGINE="+lib,
		"TRIBUTARY_KAFKA_BROKERS="+p.Kafka, "TRIBUTARY_CLICKHOUSE_ADDR="+p.ClickHouse)
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOENV"} { // they lie in the home that we hide
		value, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(value)))
	}
	return shell{p, env, strings.NewReplacer("127.0.0.1:8080", p.Ingest, "127.0.0.1:8081", p.IngestAdmin, "127.0.0.1:8123", p.ClickHouse,
		"127.0.0.1:9092", p.Kafka, "tributary send ", "tributary send --ingest=http://"+p.Ingest+" ")}
}

// run runs one command, and a command on data again until it shows what it must.
func (s shell) run(t *testing.T, command string, w way) {
	t.Helper()
	var out []byte
	var code int
	err := await(t.Context(), fmt.Sprintf("%q", w.shows), s.Dead(), func(context.Context) (bool, error) {
		c := exec.CommandContext(t.Context(), "bash", "-c", s.addresses.Replace(command))
		c.Dir, c.Env = repository, s.env
		var err error
		var failed *exec.ExitError
		if out, err = c.CombinedOutput(); err != nil && !errors.As(err, &failed) {
			return false, err
		}
		code = c.ProcessState.ExitCode()
		return code != w.exit || isScript(command) || strings.Contains(string(out), w.shows), nil
	})
	if err != nil || code != w.exit || !strings.Contains(string(out), w.shows) {
		t.Errorf("%s\n%v; exit %d, want %d; it should show %q, and printed:\n%s", command, err, code, w.exit, w.shows, out)
	}
}

// isScript tells whether a command is a file of the repository.
func isScript(command string) bool {
	name, _, _ := strings.Cut(command, " ")
	return strings.Contains(name, "/")
}

// do does with a command what its row says.
func (s shell) do(t *testing.T, command string, w way) {
	t.Helper()
	if isScript(command) {
		script, _, _ := strings.Cut(command, " ")
		if out, err := exec.Command("bash", "-n", filepath.Join(repository, script)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
	}
	switch {
	case w.parse != "":
	case w.test != "":
		mustHave(t, w.test)
	case w.short != "":
		s.once(t, w.short, w)
	default:
		s.once(t, command, w)
	}
}

// ran notes what was run, so that two commands with the same short form cost one run.
var ran = map[string]bool{}

func (s shell) once(t *testing.T, command string, w way) {
	t.Helper()
	if !ran[command] {
		s.run(t, command, w)
	}
	ran[command] = true
}

// mustHave ensures that a folder has a test of that name.
func mustHave(t *testing.T, where string) {
	t.Helper()
	folder, name, _ := strings.Cut(where, " ")
	files, err := filepath.Glob(filepath.Join(repository, folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "\nfunc "+name+"(t *testing.T) {") {
			return
		}
	}
	t.Errorf("there is no test %s in %s", name, folder)
}

// Ensure that the rules can fail: a command that nobody knows has no row, and a block falls apart into its commands.
func TestREADMERules(t *testing.T) {
	for _, unknown := range []string{"./scripts/demo --pace 1", "tributary", "wget http://127.0.0.1:8080", "rm -r x"} {
		if w, ok := how(unknown); ok {
			t.Errorf("%s has the row %+v", unknown, w)
		}
	}
	got := commands(t, "a 'x # y\nz'  # remark\n# remark\n\nb \"# c\" \\\n  d\n")
	if want := []string{"a 'x # y\nz'", "b \"# c\" \\\n  d"}; !slices.Equal(got, want) {
		t.Errorf("commands: %q, want %q", got, want)
	}
}

// Ensure that every command of the pages is run, does what the page says, and has a row above.
func TestREADMECommands(t *testing.T) {
	skipIfShort(t)
	t.Setenv("TRIBUTARY_FLUSH_EVERY", flushEvery)
	p := start(t, stack.Config{Dir: t.TempDir(), Bin: plain(t), Partitions: schemas.PartitionsLaptop})
	s := newShell(t, p)
	used := map[string]bool{}
	for _, page := range []string{readme, contributing} {
		blocks, prose := split(t, page)
		for _, b := range blocks {
			if b.lang != "sh" {
				continue
			}
			for _, c := range commands(t, b.text) {
				used[c] = true
				w, ok := how(c)
				if !ok {
					t.Errorf("%s:%d: no test runs this: give it a row in readme_commands_test.go:\n%s", page, b.line, c)
					continue
				}
				t.Run(strings.TrimSpace(c[:min(len(c), 50)]), func(t *testing.T) { s.do(t, c, w) })
			}
		}
		checkMentions(t, s, page, prose)
	}
	for c := range rows {
		if !used[c] {
			t.Errorf("no page has the command %q any more: remove its row", c)
		}
	}
}

var (
	placeholder = regexp.MustCompile(` [A-Z]+\b`)
	flagName    = regexp.MustCompile(`--[a-z][a-z-]*`)
)

// checkMentions ensures that the command line knows the commands and flags that the prose speaks of.
func checkMentions(t *testing.T, s shell, page, prose string) {
	t.Helper()
	n := 0
	for _, m := range span.FindAllStringSubmatch(prose, -1) {
		command := placeholder.ReplaceAllString(strings.TrimPrefix(m[1], "./scripts/"), "")
		if name, _, _ := strings.Cut(command, " "); name == "demo" || name == "bench" {
			command = "tributary " + command
		}
		if words := strings.Fields(command); len(words) < 2 || words[0] != "tributary" {
			continue
		}
		n++
		s.once(t, command+" --help", way{shows: "Usage: "})
	}
	for _, f := range flagName.FindAllString(prose, -1) {
		if page == readme && !slices.Contains(knownFlags(t, s), f) {
			t.Errorf("%s: nothing takes %s", page, f)
		}
	}
	if page == readme && n < 5 {
		t.Errorf("%s: only %d mentions of commands were found", page, n)
	}
}

// knownFlags are those of the demo, of dev and of the services.
func knownFlags(t *testing.T, s shell) []string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "bash", "-c", "tributary demo --help; tributary dev --help; ingest --help")
	c.Env = s.env
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return flagName.FindAllString(string(out), -1)
}
