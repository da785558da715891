package arch

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// loop is a walk over a map whose body is judged, cautiously: what it does not know may show the order.
type loop struct {
	typed
	f        *ast.FuncDecl
	stmt     *ast.RangeStmt
	assigned []string // roots of what the body assigns to
}

// assignedIn lists the variables that statements change, as text.
func assignedIn(body ast.Node) []string {
	var out []string
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, l := range n.Lhs {
				out = append(out, target(l))
			}
		case *ast.IncDecStmt:
			out = append(out, target(n.X))
		}
		return true
	})
	return out
}

// target is the variable behind an index.
func target(e ast.Expr) string {
	if i, ok := e.(*ast.IndexExpr); ok {
		return target(i.X)
	}
	return types.ExprString(e)
}

func (l loop) harmless(body []ast.Stmt) bool {
	return !slices.ContainsFunc(body, func(s ast.Stmt) bool { return !l.harmlessStmt(s) })
}

func (l loop) harmlessStmt(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.BranchStmt:
		return s.Tok == token.CONTINUE
	case *ast.ExprStmt:
		c, ok := s.X.(*ast.CallExpr)
		return ok && l.called(c) == "delete" && l.quiet(c.Args[1])
	case *ast.IncDecStmt:
		return l.integer(s.X)
	case *ast.IfStmt:
		return s.Init == nil && s.Else == nil && l.quiet(s.Cond) && l.harmless(s.Body.List)
	case *ast.AssignStmt:
		return len(s.Lhs) == 1 && len(s.Rhs) == 1 && l.harmlessAssign(s.Tok, s.Lhs[0], s.Rhs[0])
	}
	return false
}

func (l loop) harmlessAssign(tok token.Token, left, right ast.Expr) bool {
	switch tok {
	case token.ADD_ASSIGN, token.SUB_ASSIGN, token.OR_ASSIGN, token.AND_ASSIGN, token.XOR_ASSIGN:
		return l.integer(left) && l.quiet(right)
	case token.ASSIGN:
		return l.sameKey(left) && l.quiet(right) || l.gathers(left, right)
	}
	return false
}

// sameKey tells whether e is another map at the loop's own key: each turn writes its own entry.
func (l loop) sameKey(e ast.Expr) bool {
	i, ok := e.(*ast.IndexExpr)
	key, named := l.stmt.Key.(*ast.Ident)
	return ok && named && key.Name != "_" && isMap(l.info.TypeOf(i.X)) && types.ExprString(i.Index) == key.Name
}

// gathers tells x = min(x, …), x = max(x, …), and x = append(x, …) where x is sorted after the loop.
func (l loop) gathers(left, right ast.Expr) bool {
	c, ok := right.(*ast.CallExpr)
	if !ok || len(c.Args) == 0 || types.ExprString(c.Args[0]) != types.ExprString(left) || !l.quietAll(c.Args[1:]) {
		return false
	}
	switch l.called(c) {
	case "min", "max":
		return true
	case "append":
		return l.sortedLater(types.ExprString(left))
	}
	return false
}

func (l loop) sortedLater(variable string) bool {
	found := false
	ast.Inspect(l.f.Body, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok && c.Pos() > l.stmt.End() && len(c.Args) > 0 {
			name := l.called(c)
			sorts := strings.HasPrefix(name, "slices.Sort") || strings.HasPrefix(name, "sort.")
			found = found || sorts && types.ExprString(c.Args[0]) == variable
		}
		return true
	})
	return found
}

// quiet tells whether an expression calls nothing and looks at nothing that the loop changes.
func (l loop) quiet(e ast.Expr) bool {
	ok := true
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			tv := l.info.Types[n.Fun]
			ok = ok && (tv.IsType() || tv.IsBuiltin())
		case *ast.FuncLit, *ast.UnaryExpr:
			u, isUnary := n.(*ast.UnaryExpr)
			ok = ok && isUnary && u.Op != token.ARROW && u.Op != token.AND
		case ast.Expr:
			ok = ok && !slices.Contains(l.assigned, types.ExprString(n))
		}
		return ok
	})
	return ok
}

func (l loop) quietAll(es []ast.Expr) bool {
	return !slices.ContainsFunc(es, func(e ast.Expr) bool { return !l.quiet(e) })
}

// integer: its sums do not depend on their order; those of floats and strings do.
func (l loop) integer(e ast.Expr) bool {
	b, ok := l.info.TypeOf(e).Underlying().(*types.Basic)
	return ok && b.Info()&types.IsInteger != 0
}
