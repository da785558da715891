package e2e_test

import (
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	argument = regexp.MustCompile(` [A-Z]+\b`)
	flagName = regexp.MustCompile(`--[a-z][a-z-]*`)
)

// checkMentions ensures that the command line knows the commands and flags that the prose speaks of.
func checkMentions(t *testing.T, s shell, page, prose string) {
	t.Helper()
	n := 0
	for _, m := range span.FindAllStringSubmatch(prose, -1) {
		command := argument.ReplaceAllString(strings.TrimPrefix(m[1], "./scripts/"), "")
		if name, _, _ := strings.Cut(command, " "); name == "demo" || name == "bench" {
			command = "tributary " + command
		}
		if words := strings.Fields(command); len(words) < 2 || words[0] != "tributary" {
			continue
		}
		n++
		s.once(t, command+" --help", way{shows: "Usage: "})
	}
	for _, f := range flagName.FindAllString(prose, -1) {
		if page == readme && !slices.Contains(knownFlags(t, s), f) {
			t.Errorf("%s: nothing takes %s", page, f)
		}
	}
	if page == readme && n < 5 {
		t.Errorf("%s: only %d mentions of commands were found", page, n)
	}
}

// knownFlags are those of the demo, of dev and of the services.
func knownFlags(t *testing.T, s shell) []string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "bash", "-c", "tributary demo --help; tributary dev --help; ingest --help")
	c.Env = s.env
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return flagName.FindAllString(string(out), -1)
}

var metric = regexp.MustCompile("`(tributary_[a-z_]+)`")

// checkMetrics ensures that the services have the metrics that the README names.
func checkMetrics(t *testing.T, s shell) {
	t.Helper()
	var all string
	for name, addr := range s.Admin {
		res, err := http.Get("http://" + addr + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		_ = res.Body.Close() // all was read
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("metrics of %s: %s, %v", name, res.Status, err)
		}
		all += string(b)
	}
	named := metric.FindAllStringSubmatch(read(t, readme), -1)
	for _, m := range named {
		if !strings.Contains(all, "\n# TYPE "+m[1]+" ") {
			t.Errorf("no service has the metric %s", m[1])
		}
	}
	if len(named) == 0 {
		t.Error("the README names no metric")
	}
}
