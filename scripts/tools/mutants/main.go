// Command mutants plants known faults, one line each, and demands that a named test notices.
//
//	go run ./mutants [-ci] [-only TEXT]     (from scripts/tools)
//
// The faults are the blocks of mutants.txt beside this file. A fault never touches the tree: the compiler sees it through
// an overlay; programs that a test builds by itself are therefore without the fault. The last line is "mutants: K of N killed"; the exit code is 1 unless all were.
package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed mutants.txt
var list string

// mutant is one planted fault.
type mutant struct{ name, file, old, new, pkg, test string }

// quick marks the faults that run in CI too.
const quick = "ci: "

func main() {
	ci := flag.Bool("ci", false, "only the quick ones that CI runs")
	only := flag.String("only", "", "only those whose name has this text")
	flag.Parse()
	root, err := filepath.Abs("../..")
	if err == nil {
		err = run(root, *ci, *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(root string, ci bool, only string) error {
	all, err := parse(list)
	if err != nil {
		return err
	}
	killed, n := 0, 0
	for _, m := range all {
		if ci && !strings.HasPrefix(m.name, quick) || !strings.Contains(m.name, only) {
			continue
		}
		n++
		dead, err := m.try(root)
		switch {
		case err != nil:
			fmt.Printf("INVALID   %s: %v\n", m.name, err)
		case dead:
			killed++
			fmt.Printf("killed    %s  (%s)\n", m.name, m.test)
		default:
			fmt.Printf("SURVIVED  %s  (%s)\n", m.name, m.test)
		}
	}
	fmt.Printf("mutants: %d of %d killed\n", killed, n)
	if killed < n || n == 0 {
		return errors.New("a fault that no test notices is a missing test")
	}
	return nil
}

// parse reads blocks of five lines: name, file, old, new, test (package and name).
func parse(text string) (out []mutant, err error) {
	for i, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		lines := []string{}
		for line := range strings.SplitSeq(block, "\n") {
			if !strings.HasPrefix(line, "#") {
				lines = append(lines, line)
			}
		}
		if len(lines) == 0 {
			continue
		}
		m := mutant{}
		for _, f := range []struct {
			key string
			to  *string
		}{{"name", &m.name}, {"file", &m.file}, {"old", &m.old}, {"new", &m.new}, {"test", &m.test}} {
			if len(lines) == 0 || !strings.HasPrefix(lines[0], f.key+":") {
				return nil, fmt.Errorf("block %d: expected %s", i+1, f.key)
			}
			*f.to = strings.TrimPrefix(strings.TrimPrefix(lines[0], f.key+":"), " ")
			lines = lines[1:]
		}
		var ok bool
		if m.pkg, m.test, ok = strings.Cut(m.test, " "); !ok {
			return nil, fmt.Errorf("%s: expected a package and a test", m.name)
		}
		out = append(out, m)
	}
	return out, nil
}

// try plants the fault and runs its test. The test must run, and fail.
func (m mutant) try(root string) (dead bool, err error) {
	path := filepath.Join(root, m.file)
	b, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	if n := strings.Count(string(b), m.old); n != 1 {
		return false, fmt.Errorf("the old text stands %d times in %s, expected once", n, m.file)
	}
	dir, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	changed, overlay := filepath.Join(dir, filepath.Base(m.file)), filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		return false, err
	}
	if err := errors.Join(os.WriteFile(changed, []byte(strings.Replace(string(b), m.old, m.new, 1)), 0o600), os.WriteFile(overlay, text, 0o600)); err != nil {
		return false, err
	}
	if out, err := m.run(root); err != nil { // go remembers tests that pass: this is quick
		return false, fmt.Errorf("the test fails without the fault:\n%s", out)
	}
	out, err := m.run(root, "-count=1", "-overlay", overlay)
	var exit *exec.ExitError
	switch {
	case strings.Contains(string(out), "[build failed]"), strings.Contains(string(out), "[setup failed]"):
		return false, fmt.Errorf("it does not compile:\n%s", out)
	case strings.Contains(string(out), "no tests to run"):
		return false, fmt.Errorf("there is no test %s", m.test)
	case err == nil:
		return false, nil
	case !errors.As(err, &exit):
		return false, err
	}
	return true, nil
}

func (m mutant) run(root string, flags ...string) ([]byte, error) {
	cmd := exec.Command("go", append(append([]string{"test", "-vet=off"}, flags...), "-run", "^"+m.test+"$", m.pkg)...)
	cmd.Dir = root
	return cmd.CombinedOutput()
}
