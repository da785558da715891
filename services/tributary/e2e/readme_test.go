package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The pages whose commands, code and paths are tested, from the repository's root.
const (
	readme       = "README.md"
	contributing = ".github/CONTRIBUTING.md"
)

// fence is a block of code in a page.
type fence struct {
	lang, text string
	line       int
}

// languages of blocks, and what tests do with them: sh is run, js and html are run in Node.js and in Chromium, sql is asked,
// and text shows what something printed.
var languages = []string{"sh", "js", "html", "sql", "text"}

func read(t *testing.T, page string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(repository, page))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// split takes a page apart into its blocks of code and the prose around them.
func split(t *testing.T, page string) (blocks []fence, prose string) {
	t.Helper()
	var open *fence
	var rest strings.Builder
	n := 0
	for line := range strings.Lines(read(t, page)) {
		n++
		lang, isFence := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "```")
		switch {
		case isFence && open == nil:
			if !slices.Contains(languages, lang) {
				t.Fatalf("%s:%d: a block of %q: choose one of %v, so that it is known who tests it", page, n, lang, languages)
			}
			open = &fence{lang: lang, line: n}
		case isFence:
			blocks, open = append(blocks, *open), nil
		case open != nil:
			open.text += line
		default:
			rest.WriteString(line)
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: this block has no end", page, open.line)
	}
	return blocks, rest.String()
}

// blocksOf are the README's blocks of a language.
func blocksOf(t *testing.T, lang string) (out []fence) {
	t.Helper()
	blocks, _ := split(t, readme)
	for _, b := range blocks {
		if b.lang == lang {
			out = append(out, b)
		}
	}
	return out
}

var (
	span = regexp.MustCompile("`([^`\n]+)`")
	link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// pathLike is a word with a slash in it, or a file's name.
	pathLike = regexp.MustCompile(`^\.?[\w-][\w.-]*(/[\w.@-]+)+/?$|^[\w.-]+\.(go|md|yml|yaml|mod|sum|sql|tsv|txt|mjs)$`)
	heading  = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

// notPaths look like paths of the repository and are something else.
var notPaths = []string{"testing/synctest", "dist/umd/index.js", ".build/bin/tributary"}

// paths of the repository that a page's prose speaks of: in code, or as the target of a link.
func paths(page, prose string) (out []string) {
	for _, m := range span.FindAllStringSubmatch(prose, -1) {
		word := strings.TrimPrefix(strings.Fields(m[1])[0], "./")
		if pathLike.MatchString(word) && !slices.Contains(notPaths, word) {
			out = append(out, word)
		}
	}
	for _, m := range link.FindAllStringSubmatch(prose, -1) {
		if !strings.HasPrefix(m[1], "#") && !strings.Contains(m[1], "://") {
			out = append(out, filepath.Join(filepath.Dir(page), m[1]))
		}
	}
	return out
}

// Ensure that what the pages name is there: folders and files, and the headings that links lead to.
func TestREADMEPaths(t *testing.T) {
	tracked, err := exec.Command("git", "-C", repository, "ls-files", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for f := range strings.Lines(string(tracked)) {
		for f = strings.TrimSpace(f); f != "."; f = filepath.Dir(f) {
			known[f] = true
		}
	}
	for _, page := range []string{readme, contributing} {
		_, prose := split(t, page)
		found := paths(page, prose)
		if len(found) < 5 {
			t.Errorf("%s: only %d paths were found: %q", page, len(found), found)
		}
		for _, p := range found {
			if !known[filepath.Clean(p)] {
				t.Errorf("%s speaks of %s, which is not there", page, p)
			}
		}
		var anchors []string
		for _, m := range heading.FindAllStringSubmatch(prose, -1) {
			anchors = append(anchors, "#"+strings.ReplaceAll(strings.ToLower(m[1]), " ", "-"))
		}
		for _, m := range link.FindAllStringSubmatch(prose, -1) {
			if strings.HasPrefix(m[1], "#") && !slices.Contains(anchors, m[1]) {
				t.Errorf("%s has a link to %s, and the headings %q", page, m[1], anchors)
			}
		}
	}
	if got := paths("a/b.md", "`pkg/nowhere` `./scripts/demo --keep` `go.mod` `a b` `x` [l](../c.md) [m](#n)"); len(got) != 4 {
		t.Errorf("found %q, want 4 paths", got)
	}
}
