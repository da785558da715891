// Package arch tests the shape of the repository: who may import whom, what pure means, how tests wait, what lies
// where. Each rule is a function from source to faults, and TestRulesCanFail feeds each one with what it must refuse.
package arch

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	root   = ".." // the repository, as seen from this folder
	module = "github.com/tributary-data/tributary"
)

// source is one Go file.
type source struct {
	path   string // from the repository's root
	syntax *ast.File
}

// fset holds the positions of everything that is parsed here.
var fset = token.NewFileSet()

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// at names the place of a node.
func at(n ast.Node) string { return fset.Position(n.Pos()).String() }

// imported tells under which name the file knows the package of path; "" if it does not import it.
func (s source) imported(path string) string {
	for _, i := range s.syntax.Imports {
		if i.Path.Value != `"`+path+`"` {
			continue
		}
		if i.Name != nil {
			return i.Name.Name
		}
		return path[strings.LastIndexByte(path, '/')+1:]
	}
	return ""
}

func parse(t *testing.T, path string, text any) source {
	t.Helper()
	f, err := parser.ParseFile(fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return source{path: path, syntax: f}
}

// sources parses every Go file of the repository. Reading them all also lets the test cache see when one changes.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	for _, top := range []string{"pkg", "services", "schemas", "scripts"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata"):
				return filepath.SkipDir
			case d.IsDir() || !strings.HasSuffix(path, ".go"):
				return nil
			}
			text, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) { // went away while we walked
				return nil
			} else if err != nil {
				return err
			}
			out = append(out, parse(t, strings.TrimPrefix(filepath.ToSlash(path), root+"/"), text))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// run gives a command's output. It runs at the repository's root.
func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = root
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return out
}

// goList runs go list and decodes its answers.
func goList[T any](t *testing.T, args ...string) []T {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(run(t, "go", append([]string{"list", "-e"}, args...)...))))
	var out []T
	for {
		var p T
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
}

// under tells whether a path lies in a folder or is it.
func under(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

func underAny(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return under(path, f) })
}

// report fails the test with every fault.
func report(t *testing.T, faults []string) {
	t.Helper()
	for _, f := range faults {
		t.Error(f)
	}
}
