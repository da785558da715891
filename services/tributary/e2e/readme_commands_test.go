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
	ran       map[string]bool
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
		"127.0.0.1:9092", p.Kafka, "tributary send ", "tributary send --ingest=http://"+p.Ingest+" "), map[string]bool{}}
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
		if flags, ok := strings.CutPrefix(command, "./scripts/demo"); ok {
			s.once(t, "tributary demo"+flags+" --help", way{shows: "Usage: "})
		}
	case w.short != "":
		s.once(t, w.short, w)
	default:
		s.once(t, command, w)
	}
}

// once runs what was not run yet: two commands may have the same short form.
func (s shell) once(t *testing.T, command string, w way) {
	t.Helper()
	if !s.ran[command] {
		s.run(t, command, w)
	}
	s.ran[command] = true
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

// Ensure that every command of the pages is run, does what the page says, and has a row.
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
					t.Errorf("%s:%d: no test runs this: give it a row in readme_rows_test.go:\n%s", page, b.line, c)
					continue
				}
				t.Run(strings.TrimSpace(c[:min(len(c), 50)]), func(t *testing.T) { s.do(t, c, w) })
			}
		}
		checkMentions(t, s, page, prose)
	}
	checkMetrics(t, s)
	for c := range rows {
		if !used[c] {
			t.Errorf("no page has the command %q any more: remove its row", c)
		}
	}
}
