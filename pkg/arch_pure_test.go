package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pure rooms hold the meanings: no I/O, no clock, no goroutine.
var pure = []string{"pkg/event", "pkg/session", "pkg/journey", "pkg/funnel", "pkg/insight"}

// folds are deterministic as pure rooms are: what they keep and emit depends on their log alone (design §3, C1). They may have
// package variables, and libraries.
var folds = []string{"services/sessionizer/visitor", "services/aggregator/cells", "services/aggregator/facts", "services/aggregator/letters",
	"services/aggregator/table", "services/internal/records", "services/internal/gaps"}

// impure is what a pure package must not import of the standard library.
var impure = []string{"context", "crypto/rand", "database/sql", "io/ioutil", "log", "log/slog", "math/rand", "math/rand/v2",
	"net", "net/http", "net/http/httptest", "os", "os/exec", "os/signal", "os/user", "path/filepath", "reflect", "runtime",
	"runtime/debug", "sync", "sync/atomic", "syscall", "testing", "unique", "unsafe", "weak"}

// pureLibraries are the libraries that a pure package may import.
var pureLibraries = []string{"github.com/cespare/xxhash/v2", "gonum.org/v1/gonum/stat/distuv"}

// clockCalls of package time look at a clock, wait for it, or depend on the machine's zone.
var clockCalls = []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer", "Sleep", "Local"}

// pureFaults checks what the syntax tells; orderFaults sees to the order of maps.
func pureFaults(s source) []string {
	var faults []string
	fault := func(n ast.Node, format string, args ...any) {
		faults = append(faults, at(n)+": pure code has "+fmt.Sprintf(format, args...))
	}
	for _, i := range s.syntax.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		library := strings.Contains(p, ".") && !strings.HasPrefix(p, module+"/")
		if slices.Contains(impure, p) || library && !slices.Contains(pureLibraries, p) {
			fault(i, "no business with package %s", p)
		}
	}
	clock := s.imported("time")
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			fault(n, "no goroutine")
		case *ast.ChanType, *ast.SendStmt:
			fault(n, "no channel")
		case *ast.SelectStmt:
			fault(n, "no select")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && clock != "" && x.Name == clock && slices.Contains(clockCalls, n.Sel.Name) {
				fault(n, "no clock: time.%s", n.Sel.Name)
			}
		}
		return true
	})
	for _, d := range s.syntax.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			fault(f, "no init function")
		}
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, v := range g.Specs {
				if v := v.(*ast.ValueSpec); !fixed(v) && !embedded(g.Doc) && !embedded(v.Doc) {
					fault(v, "no package variable %s", v.Names[0].Name)
				}
			}
		}
	}
	return faults
}

// fixed tells a sentinel error or a check of the kind `var _ I = T{}` from a variable.
func fixed(v *ast.ValueSpec) bool {
	if !slices.ContainsFunc(v.Names, func(n *ast.Ident) bool { return n.Name != "_" }) {
		return true
	}
	return len(v.Values) > 0 && !slices.ContainsFunc(v.Values, func(e ast.Expr) bool {
		c, ok := e.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := exprText(c.Fun)
		return name != "errors.New" && name != "fmt.Errorf"
	})
}

func exprText(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		return exprText(s.X) + "." + s.Sel.Name
	}
	if i, ok := e.(*ast.Ident); ok {
		return i.Name
	}
	return ""
}

func embedded(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
}

func TestPure(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if !s.isTest() && underAny(s.path, pure) {
			report(t, pureFaults(s))
		}
	}
}

// foldFaults are the faults of pure code that a fold must not have either.
func foldFaults(s source) []string {
	return slices.DeleteFunc(pureFaults(s), func(f string) bool { return strings.Contains(f, "no package variable") })
}

func TestFoldsAreDeterministic(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range sources(t) {
		if !s.isTest() && underAny(s.path, folds) {
			seen[path.Dir(s.path)] = true
			report(t, foldFaults(s))
		}
	}
	for _, f := range folds {
		if !seen[f] {
			t.Errorf("%s: is in the list of folds, and not in the tree", f)
		}
	}
}
