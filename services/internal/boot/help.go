package boot

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

// help lists the settings with what they mean and their defaults.
func (s Service[C]) help(out io.Writer) {
	fmt.Fprintf(out, `%s %s.

Usage: %s [--check]

  --check     build everything from the settings, start nothing, exit
  --attached  end when standard input does

Settings are environment variables:
`, s.Name, s.About, s.Name)
	for _, v := range variables(reflect.TypeFor[C](), Prefix) {
		fmt.Fprintf(out, "  %-30s %s\n", v.name, v.about)
	}
}

type variable struct {
	name, about string
	kind        reflect.Type
	required    bool
}

// variables of a configuration, by the tags that the env library reads too, and help.
func variables(t reflect.Type, prefix string) (out []variable) {
	for i := range t.NumField() {
		f := t.Field(i)
		if p, ok := f.Tag.Lookup("envPrefix"); ok {
			out = append(out, variables(f.Type, prefix+p)...)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("env"), ",")
		if name == "" || name == "-" {
			continue
		}
		about := f.Tag.Get("help")
		if d := f.Tag.Get("envDefault"); d != "" {
			about += " (default " + d + ")"
		}
		out = append(out, variable{prefix + name, about, f.Type, options == "required"})
	}
	return out
}
