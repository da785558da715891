package e2e_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/services/internal/boot"
)

var update = flag.Bool("update", false, "rewrite the README's table of settings")

// services in the order of the table's columns.
var services = []string{"ingest", "sessionizer", "aggregator"}

// The table stands between these lines.
const (
	settingsBegin = "<!-- settings: begin -->\n"
	settingsEnd   = "<!-- settings: end -->"
)

// setting is a row of the table: a variable, and its default by service. No entry: that service does not read it.
type setting struct {
	boot.Variable
	defaults map[string]string
}

// settings asks each service's program.
func settings(t *testing.T) (out []setting) {
	t.Helper()
	at := map[string]int{}
	for _, s := range services {
		printed, err := exec.Command(filepath.Join(plain(t), s), "--settings").Output()
		if err != nil {
			t.Fatal(err)
		}
		var list []boot.Variable
		if err := json.Unmarshal(printed, &list); err != nil {
			t.Fatal(err)
		}
		for _, v := range list {
			i, known := at[v.Name]
			if !known {
				i, at[v.Name] = len(out), len(out)
				out = append(out, setting{v, map[string]string{}})
			}
			if out[i].About != v.About {
				t.Errorf("%s means %q to ingest, and %q to %s", v.Name, out[i].About, v.About, s)
			}
			out[i].defaults[s] = v.Default
		}
	}
	return out
}

// settingsTable is the table in Markdown.
func settingsTable(all []setting) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| variable | meaning | %s |\n|---|---|%s\n", strings.Join(services, " | "), strings.Repeat("---|", len(services)))
	for _, s := range all {
		about := strings.NewReplacer("|", `\|`, "<", `\<`).Replace(s.About)
		fmt.Fprintf(&b, "| `%s` | %s |", s.Name, about)
		for _, name := range services {
			switch d, reads := s.defaults[name]; {
			case !reads:
				b.WriteString(" – |")
			case d == "":
				b.WriteString(" ○ |")
			default:
				fmt.Fprintf(&b, " `%s` |", d)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

var variable = regexp.MustCompile(`TRIBUTARY_[A-Z_]+[A-Z]`)

// Ensure that the README's table of settings is what the services say of themselves, and that no page names a variable
// that nothing reads.
func TestREADMESettings(t *testing.T) {
	skipIfShort(t)
	all, text := settings(t), read(t, readme)
	before, rest, ok := strings.Cut(text, settingsBegin)
	got, after, closed := strings.Cut(rest, settingsEnd)
	if !ok || !closed {
		t.Fatalf("the README lacks the lines %s and %s", settingsBegin, settingsEnd)
	}
	switch want := settingsTable(all); {
	case got == want:
	case *update:
		if err := os.WriteFile(filepath.Join(repository, readme), []byte(before+settingsBegin+want+settingsEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("the README's table of settings is not current; renew it with: go test ./services/tributary/e2e -run TestREADMESettings -update")
		same(t, "table", strings.Split(got, "\n"), strings.Split(want, "\n"))
	}
	known := []string{"TRIBUTARY_ENGINE"} // the CLI's own
	for _, s := range all {
		known = append(known, s.Name)
	}
	for _, page := range []string{readme, contributing} {
		for _, name := range variable.FindAllString(read(t, page), -1) {
			if !slices.Contains(known, name) {
				t.Errorf("%s: nothing reads %s", page, name)
			}
		}
	}
}

// Ensure that one environment serves all services: what one of them reads is no surprise to another.
func TestOneEnvironmentForAll(t *testing.T) {
	skipIfShort(t)
	all := settings(t)
	for _, name := range services {
		cmd := exec.Command(filepath.Join(plain(t), name), "--check")
		cmd.Env = append(os.Environ(), "TRIBUTARY_ENGINE=x")
		for _, s := range all {
			if _, reads := s.defaults[name]; !reads {
				cmd.Env = append(cmd.Env, s.Name+"=x")
			}
		}
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}
