package boot

import (
	"encoding/json"
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
  --settings  print the settings as JSON, exit

Settings are environment variables:
`, s.Name, s.About, s.Name)
	for _, v := range variables(reflect.TypeFor[C](), Prefix) {
		about := v.About
		if v.Default != "" {
			about += " (default " + v.Default + ")"
		}
		fmt.Fprintf(out, "  %-30s %s\n", v.Name, about)
	}
}

// settings prints the settings for machines: an array of Variable.
func (s Service[C]) settings(out io.Writer) int {
	all := []Variable{}
	for _, v := range variables(reflect.TypeFor[C](), Prefix) {
		all = append(all, v.Variable)
	}
	if err := json.NewEncoder(out).Encode(all); err != nil {
		return 1
	}
	return 0
}

// Variable is a setting: an environment variable.
type Variable struct {
	Name string `json:"name"`
	// About is what it means, and Default what counts where it is not set.
	About   string `json:"about"`
	Default string `json:"default,omitempty"`
}

// variable is a setting with what reading it needs to know.
type variable struct {
	Variable
	kind     reflect.Type
	required bool
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
		out = append(out, variable{Variable{Name: prefix + name, About: f.Tag.Get("help"), Default: f.Tag.Get("envDefault")}, f.Type, options == "required"})
	}
	return out
}
