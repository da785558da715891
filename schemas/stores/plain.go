package stores

import (
	"fmt"
	"regexp"
	"slices"
)

// wordings turn the validator's terms into what a person should do. The first that fits is taken.
var wordings = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`^(.*) does not match pattern '\^\[A-Z\]\{3\}\$'$`), "$1: use the three capital letters of ISO 4217, such as EUR"},
	{regexp.MustCompile(`^(.*) does not match pattern '\^\(\[0-9\]\+\(h\|m\|s\)\)\+\$'$`), "$1: use a duration, such as 30m or 24h"},
	{regexp.MustCompile(`^(.*) does not match pattern '(.*)'$`), "$1: use what matches $2"},
	{regexp.MustCompile(`^got (\w+), want (\w+)$`), "use $2 here, this is $1"},
	{regexp.MustCompile(`^missing propert(?:y|ies) (.*)$`), "$1 is missing: set it"},
	{regexp.MustCompile(`^value must be one of (.*'landing_path')$`), "use one of $1, or variant: and an experiment's name, such as variant:checkout_button"},
	{regexp.MustCompile(`^value must be one of (.*)$`), "use one of $1"},
	{regexp.MustCompile(`^minItems: got (\d+), want (\d+)$`), "has $1 entries: use at least $2"},
	{regexp.MustCompile(`^maxItems: got (\d+), want (\d+)$`), "has $1 entries: use at most $2"},
}

var (
	foreign = regexp.MustCompile(`^additional propert(?:y|ies) '([^']*)'.* not allowed$`)
	named   = regexp.MustCompile(`"([a-z_]+)": \{`)
)

// plain says the validator's text in words.
func plain(text string) string {
	if m := foreign.FindStringSubmatch(text); m != nil {
		if near := Nearest(m[1], fields()); near != "" {
			return fmt.Sprintf("there is no field %s: did you mean %s?", m[1], near)
		}
		return fmt.Sprintf("there is no field %s here: remove it", m[1])
	}
	for _, w := range wordings {
		if w.from.MatchString(text) {
			return w.from.ReplaceAllString(text, w.to)
		}
	}
	return text
}

// fields are the names of all fields of a store file, sorted.
func fields() (out []string) {
	for _, m := range named.FindAllStringSubmatch(string(schemaJSON), -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Nearest of the names to one that was mistyped: at most two letters are put in, left out or changed. Empty: none is near.
func Nearest(mistyped string, names []string) string {
	best, least := "", 3
	for _, name := range names {
		if d := distance(mistyped, name); d < least && d < len(name)/2 {
			best, least = name, d
		}
	}
	return best
}

// distance is Levenshtein's, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
