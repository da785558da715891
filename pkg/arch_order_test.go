package arch

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/types"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// A pure package, or a fold, walks a map only in a way that cannot show the map's order: it deletes, takes a least or greatest
// value, adds integers, writes another map at the same key, or collects what is sorted next. Anything else needs the
// comment `// any order: <reason>` on the line of the loop or above it.
const anyOrder = "any order: "

// unmarked loops have their reason here until they have the comment: file, function → reason.
var unmarked = map[string]string{}

// typed is one type-checked package.
type typed struct {
	files []source
	info  *types.Info
}

// check gives the files their types.
func check(t *testing.T, files []source, imp types.Importer) typed {
	t.Helper()
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	syntax := make([]*ast.File, len(files))
	for i, f := range files {
		syntax[i] = f.syntax
	}
	conf := types.Config{Importer: imp}
	if _, err := conf.Check(path.Dir(files[0].path), fset, syntax, info); err != nil {
		t.Fatal(err)
	}
	return typed{files, info}
}

// walk is a place where a map's order could show.
type walk struct{ place, fault string }

// orderFaults finds range statements over maps, and iterators of package maps that nobody sorts.
func orderFaults(p typed) []walk {
	var out []walk
	for _, s := range p.files {
		for _, d := range s.syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				for _, fault := range p.walks(s, f) {
					out = append(out, walk{s.path + " " + f.Name.Name, fault})
				}
			}
		}
	}
	return out
}

func (p typed) walks(s source, f *ast.FuncDecl) []string {
	var faults []string
	fine := map[ast.Expr]bool{} // iterators that are sorted at once, or ranged over and judged there
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.RangeStmt:
			if !p.walksMap(n.X) {
				break
			}
			fine[n.X] = true
			l := loop{typed: p, f: f, stmt: n, assigned: assignedIn(n.Body)}
			if !marked(s, n) && !l.harmless(n.Body.List) {
				faults = append(faults, fmt.Sprintf("%s: the order of map %s may show: sort its keys, or say why not in a comment `// %s...`",
					at(n), types.ExprString(n.X), anyOrder))
			}
		case *ast.CallExpr:
			if strings.HasPrefix(p.called(n), "slices.Sorted") {
				fine[n.Args[0]] = true
			}
			if p.isMapIterator(n) && !fine[n] && !marked(s, n) {
				faults = append(faults, fmt.Sprintf("%s: %s gives the map's own order: sort it", at(n), types.ExprString(n)))
			}
		}
		return true
	})
	return faults
}

// called names the function of a call as package.Name, or a builtin as Name.
func (p typed) called(c *ast.CallExpr) string {
	fun := ast.Unparen(c.Fun)
	switch x := fun.(type) { // explicit type arguments
	case *ast.IndexExpr:
		fun = x.X
	case *ast.IndexListExpr:
		fun = x.X
	}
	switch fun := fun.(type) {
	case *ast.Ident:
		if b, ok := p.info.Uses[fun].(*types.Builtin); ok {
			return b.Name()
		}
	case *ast.SelectorExpr:
		if f, ok := p.info.Uses[fun.Sel].(*types.Func); ok && f.Pkg() != nil && f.Signature().Recv() == nil {
			return f.Pkg().Path() + "." + f.Name()
		}
	}
	return ""
}

func (p typed) isMapIterator(e ast.Expr) bool {
	c, ok := e.(*ast.CallExpr)
	return ok && slices.Contains([]string{"maps.Keys", "maps.Values", "maps.All"}, p.called(c))
}

func (p typed) walksMap(e ast.Expr) bool {
	return p.isMapIterator(ast.Unparen(e)) || isMap(p.info.TypeOf(e))
}

func isMap(t types.Type) bool {
	if t == nil {
		return false
	}
	if tp, ok := t.(*types.TypeParam); ok {
		i, ok := tp.Constraint().Underlying().(*types.Interface)
		return ok && i.NumEmbeddeds() == 1 && strings.Contains(i.EmbeddedType(0).String(), "map[")
	}
	_, ok := t.Underlying().(*types.Map)
	return ok
}

// marked tells whether a comment beside the node, or above it, gives the reason.
func marked(s source, n ast.Node) bool {
	line := fset.Position(n.Pos()).Line
	for _, g := range s.syntax.Comments {
		text, ok := strings.CutPrefix(g.Text(), anyOrder)
		if end := fset.Position(g.End()).Line; ok && strings.TrimSpace(text) != "" && (end == line || end == line-1) {
			return true
		}
	}
	return false
}

func TestMapOrder(t *testing.T) {
	t.Parallel()
	packages := map[string][]source{}
	for _, s := range sources(t) {
		if (underAny(s.path, pure) || underAny(s.path, folds)) && !s.isTest() {
			packages["./"+path.Dir(s.path)] = append(packages["./"+path.Dir(s.path)], s)
		}
	}
	excused := maps.Clone(unmarked)
	imp := exports(t, slices.Sorted(maps.Keys(packages))...)
	for _, files := range packages {
		for _, w := range orderFaults(check(t, files, imp)) {
			if unmarked[w.place] == "" {
				t.Error(w.fault)
			}
			delete(excused, w.place)
		}
	}
	for place := range excused {
		t.Errorf("%s: needs no excuse any more: take it out of the list unmarked", place)
	}
}

// exports imports what the packages import, from the compiler's export data.
func exports(t *testing.T, packages ...string) types.Importer {
	t.Helper()
	files := map[string]string{}
	for _, p := range goList[struct{ ImportPath, Export string }](t, append([]string{"-export", "-deps", "-json=ImportPath,Export"}, packages...)...) {
		files[p.ImportPath] = p.Export
	}
	return importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(files[path]) })
}
