package stores

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Mistake is what is wrong in a store file, and where.
type Mistake struct {
	// Line in the file, from 1; 0 where it cannot be told.
	Line int
	// Field as a path: meaning.funnels[0].steps[1].
	Field string
	// Expected says what the field should be.
	Expected string
}

// Error is one line, made to be read after the file's name.
func (m *Mistake) Error() string {
	s := m.Field + ": " + m.Expected
	if m.Field == "" {
		s = m.Expected
	}
	if m.Line > 0 {
		return fmt.Sprintf("line %d: %s", m.Line, s)
	}
	return s
}

// mistake of a field; lineOf adds the line.
func mistake(field, expected string, args ...any) error {
	return &Mistake{Field: field, Expected: fmt.Sprintf(expected, args...)}
}

// located adds the line to a Mistake.
func located(file []byte, err error) error {
	var m *Mistake
	if errors.As(err, &m) && m.Line == 0 {
		m.Line = lineOf(file, m.Field)
	}
	return err
}

// lineOf finds the line of a field, or of the nearest thing around it that is there.
func lineOf(file []byte, field string) int {
	tree, err := parser.ParseBytes(file, 0)
	if err != nil {
		return 0
	}
	for field != "" {
		if path, err := yaml.PathString("$." + field); err == nil {
			if node, err := path.FilterFile(tree); err == nil && node != nil {
				return node.GetToken().Position.Line
			}
		}
		field = field[:max(strings.LastIndexAny(field, ".["), 0)]
	}
	return 0
}

// schemaMistake picks the innermost cause of a failed validation.
func schemaMistake(err error) error {
	var v *jsonschema.ValidationError
	if !errors.As(err, &v) {
		return err
	}
	for len(v.Causes) > 0 {
		v = v.Causes[0]
	}
	text := v.Error()
	if _, after, ok := strings.Cut(text, "': "); ok {
		text = after
	}
	field := ""
	for _, part := range v.InstanceLocation {
		if _, err := strconv.Atoi(part); err == nil {
			field += "[" + part + "]"
		} else {
			field = strings.TrimPrefix(field+"."+part, ".")
		}
	}
	return mistake(field, "%s", plain(strings.TrimSpace(text)))
}
