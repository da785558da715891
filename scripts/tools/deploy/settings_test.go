// Package deploy tests docker-compose.yml and the Helm chart with the libraries that Compose and Helm are made of, and
// against the settings that the services' sources read.
package deploy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	// root is the repository, through a link inside this module: the test cache looks at no file outside of it, and
	// would repeat an old "ok".
	root   = "testdata/repository"
	module = "github.com/tributary-data/tributary"
	prefix = "TRIBUTARY_"
)

// programs that docker-compose.yml or the chart run.
var programs = []string{"ingest", "sessionizer", "aggregator", "tributary"}

var variable = regexp.MustCompile(`^` + prefix + `[A-Z0-9_]+$`)

// code is the syntax of the non-test files of services and pkg: folder → files.
type code map[string][]*ast.File

func readCode(t *testing.T) code {
	t.Helper()
	out, fset := code{}, token.NewFileSet()
	for _, top := range []string{"services", "pkg"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			folder, err := filepath.Rel(root, filepath.Dir(path))
			out[filepath.ToSlash(folder)] = append(out[filepath.ToSlash(folder)], f)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// settings lists the variables that a program reads: those of the type that it gives to boot.Service, and those that
// tags of its own files name in full, as the command line does.
func (c code) settings(program string) []string {
	var out []string
	folder := "services/" + program
	for _, f := range c[folder] {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.IndexExpr: // boot.Service[Config]
				if s, ok := n.X.(*ast.SelectorExpr); ok && s.Sel.Name == "Service" {
					out = append(out, c.fields(folder, f, n.Index, prefix)...)
				}
			case *ast.Field:
				if name := tag(n, "env"); variable.MatchString(name) {
					out = append(out, name)
				}
			}
			return true
		})
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// fields follows a struct type and the structs in it, as caarlos0/env does.
func (c code) fields(folder string, f *ast.File, typ ast.Expr, prefix string) []string {
	folder, name := resolve(folder, f, typ)
	file, st := c.find(folder, name)
	if st == nil {
		return nil
	}
	var out []string
	for _, field := range st.Fields.List {
		if name, _, _ := strings.Cut(tag(field, "env"), ","); name != "" {
			out = append(out, prefix+name)
		}
		out = append(out, c.fields(folder, file, field.Type, prefix+tag(field, "envPrefix"))...)
	}
	return out
}

// resolve finds where a type lives: in the same folder, or in an imported package of ours.
func resolve(folder string, f *ast.File, typ ast.Expr) (string, string) {
	switch t := typ.(type) {
	case *ast.StarExpr:
		return resolve(folder, f, t.X)
	case *ast.Ident:
		return folder, t.Name
	case *ast.SelectorExpr:
		for _, i := range f.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			to, ours := strings.CutPrefix(path, module+"/")
			x, ok := t.X.(*ast.Ident)
			if ours && ok && (i.Name != nil && i.Name.Name == x.Name || i.Name == nil && strings.HasSuffix("/"+to, "/"+x.Name)) {
				return to, t.Sel.Name
			}
		}
	}
	return "", ""
}

func (c code) find(folder, name string) (*ast.File, *ast.StructType) {
	for _, f := range c[folder] {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE {
				continue
			}
			for _, s := range g.Specs {
				spec := s.(*ast.TypeSpec)
				if st, ok := spec.Type.(*ast.StructType); ok && spec.Name.Name == name {
					return f, st
				}
			}
		}
	}
	return nil, nil
}

func tag(f *ast.Field, key string) string {
	if f.Tag == nil {
		return ""
	}
	text, _ := strconv.Unquote(f.Tag.Value)
	return reflect.StructTag(text).Get(key)
}

// allSettings reads every program's settings from the sources.
func allSettings(t *testing.T) map[string][]string {
	t.Helper()
	c, out := readCode(t), map[string][]string{}
	for _, p := range programs {
		if out[p] = c.settings(p); len(out[p]) == 0 {
			t.Fatalf("found no settings of services/%s: where did its configuration go?", p)
		}
	}
	return out
}

// unknownSettings are the TRIBUTARY_* names that a program does not read: a typing error would be silent.
func unknownSettings(where string, known, used []string) []string {
	var faults []string
	for _, name := range used {
		if strings.HasPrefix(name, prefix) && !slices.Contains(known, name) {
			faults = append(faults, fmt.Sprintf("%s: nothing reads %s", where, name))
		}
	}
	return faults
}

func TestSettings(t *testing.T) {
	t.Parallel()
	all := allSettings(t)
	for program, want := range map[string][]string{
		"ingest":      {"TRIBUTARY_ADDR", "TRIBUTARY_ADMIN_ADDR", "TRIBUTARY_CLOCK", "TRIBUTARY_STORES", "TRIBUTARY_KAFKA_BROKERS", "TRIBUTARY_LOG_LEVEL"},
		"sessionizer": {"TRIBUTARY_ADMIN_ADDR", "TRIBUTARY_STATE_DIR", "TRIBUTARY_KAFKA_BROKERS", "TRIBUTARY_LOG_FORMAT"},
		"aggregator":  {"TRIBUTARY_ADMIN_ADDR", "TRIBUTARY_STATE_DIR", "TRIBUTARY_CLICKHOUSE_ADDR", "TRIBUTARY_CLICKHOUSE_PASSWORD"},
		"tributary":   {"TRIBUTARY_KAFKA_BROKERS", "TRIBUTARY_CLICKHOUSE_ADDR"},
	} {
		for _, name := range want {
			if !slices.Contains(all[program], name) {
				t.Errorf("settings of %s: %v, want %s among them", program, all[program], name)
			}
		}
	}
	if got := unknownSettings("x", all["ingest"], []string{"TRIBUTARY_STORE", "TRIBUTARY_STORES", "HOME"}); len(got) != 1 {
		t.Errorf("unknownSettings() = %q, want TRIBUTARY_STORE alone", got)
	}
}
