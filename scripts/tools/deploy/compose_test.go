package deploy

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// load reads the text of a Compose file as `docker compose` does.
func load(t *testing.T, text string, env types.Mapping) (*types.Project, error) {
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{WorkingDir: root, Environment: env,
		ConfigFiles: []types.ConfigFile{{Filename: root + "/docker-compose.yml", Content: []byte(text)}}},
		func(o *loader.Options) { o.SetProjectName("tributary", true) })
}

func compose(t *testing.T) *types.Project {
	t.Helper()
	p, err := load(t, read(t, "docker-compose.yml"), types.Mapping{"TRIBUTARY_CLICKHOUSE_PASSWORD": "secret"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestComposeServices(t *testing.T) {
	t.Parallel()
	p := compose(t)
	want := map[string]types.DependsOnConfig{
		"kafka":       nil,
		"clickhouse":  nil,
		"setup":       after("kafka", "clickhouse"),
		"ingest":      after("kafka", "setup"),
		"sessionizer": after("kafka", "setup"),
		"aggregator":  after("kafka", "clickhouse", "setup"),
	}
	if got := p.ServiceNames(); !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
		t.Errorf("services: %v", got)
	}
	for name, s := range p.Services {
		for on, w := range want[name] {
			if got := s.DependsOn[on].Condition; got != w.Condition {
				t.Errorf("%s depends on %s with %q, want %q", name, on, got, w.Condition)
			}
		}
		if len(s.DependsOn) != len(want[name]) {
			t.Errorf("%s depends on %v", name, slices.Sorted(maps.Keys(s.DependsOn)))
		}
	}
}

func after(services ...string) types.DependsOnConfig {
	out := types.DependsOnConfig{}
	for _, s := range services {
		out[s] = types.ServiceDependency{Condition: types.ServiceConditionHealthy}
		if s == "setup" {
			out[s] = types.ServiceDependency{Condition: types.ServiceConditionCompletedSuccessfully}
		}
	}
	return out
}

// TestComposeRules checks each service by itself.
func TestComposeRules(t *testing.T) {
	t.Parallel()
	known := allSettings(t)
	for _, s := range compose(t).Services {
		for _, f := range serviceFaults(s, known) {
			t.Error(f)
		}
	}
}

// TestComposeRulesCanFail breaks a good service in one way each.
func TestComposeRulesCanFail(t *testing.T) {
	t.Parallel()
	known, good := allSettings(t), read(t, "docker-compose.yml")
	for name, c := range map[string]struct{ old, bad, want string }{
		"a port for everyone":   {"- 127.0.0.1:8123:8123", `- "8123:8123"`, "not on loopback"},
		"a moving image":        {"apache/kafka:4.2.0", "apache/kafka:latest", "is not pinned"},
		"an image without tag":  {"apache/kafka:4.2.0", "apache/kafka", "is not pinned"},
		"a moving base":         {"FROM golang:1.26.8-bookworm", "FROM golang", "is not pinned"},
		"a misspelt setting":    {"TRIBUTARY_STORES: ", "TRIBUTARY_STORE: ", "nothing reads TRIBUTARY_STORE"},
		"another's setting":     {"TRIBUTARY_STORES: ", "TRIBUTARY_STATE_DIR: ", "nothing reads TRIBUTARY_STATE_DIR"},
		"no health check":       {"test: [CMD, wget, ", "test: [NONE, ", "no health check"},
		"no end of waiting":     {"    stop_grace_period: 120s\n", "", "stop_grace_period"},
		"a service that stops":  {"restart: unless-stopped\n    stop_grace_period: 120s", "stop_grace_period: 120s", "restart"},
		"an entry without file": {"[/usr/local/bin/ingest]", "[/usr/local/bin/ingester]", "is not a program"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(good, c.old) {
				t.Fatalf("docker-compose.yml has no %q", c.old)
			}
			p, err := load(t, strings.Replace(good, c.old, c.bad, 1), types.Mapping{"TRIBUTARY_CLICKHOUSE_PASSWORD": "secret"})
			if err != nil {
				t.Fatal(err)
			}
			var faults []string
			for _, s := range p.Services {
				faults = append(faults, serviceFaults(s, known)...)
			}
			if len(faults) == 0 || !strings.Contains(strings.Join(faults, "\n"), c.want) {
				t.Errorf("faults: %q, want %q", faults, c.want)
			}
		})
	}
}

func TestComposeNeedsPassword(t *testing.T) {
	t.Parallel()
	if _, err := load(t, read(t, "docker-compose.yml"), nil); err == nil || !strings.Contains(err.Error(), "TRIBUTARY_CLICKHOUSE_PASSWORD") {
		t.Errorf("load() without a password: %v", err)
	}
}

func serviceFaults(s types.ServiceConfig, known map[string][]string) []string {
	var faults []string
	for _, image := range images(s) {
		if !pinned(image) {
			faults = append(faults, fmt.Sprintf("%s: image %s is not pinned", s.Name, image))
		}
	}
	for _, p := range s.Ports {
		if p.HostIP != "127.0.0.1" {
			faults = append(faults, fmt.Sprintf("%s: port %s is not on loopback", s.Name, p.Published))
		}
	}
	faults = append(faults, unknownSettings(s.Name, known[program(s)], slices.Sorted(maps.Keys(s.Environment)))...)
	if s.Build != nil && !slices.Contains(programs, program(s)) {
		faults = append(faults, fmt.Sprintf("%s: %s is not a program of ours", s.Name, program(s)))
	}
	if s.Name == "setup" { // runs once
		return faults
	}
	if s.HealthCheck == nil || s.HealthCheck.Disable || len(s.HealthCheck.Test) == 0 || s.HealthCheck.Test[0] == "NONE" {
		faults = append(faults, s.Name+": has no health check")
	}
	if s.Restart != types.RestartPolicyUnlessStopped || s.StopGracePeriod == nil {
		faults = append(faults, s.Name+": needs restart and stop_grace_period")
	}
	return faults
}

// program that a service of ours runs; the set-up runs the command line.
func program(s types.ServiceConfig) string {
	if s.Build == nil || len(s.Entrypoint) == 0 {
		return ""
	}
	if s.Name == "setup" {
		return "tributary"
	}
	return path.Base(s.Entrypoint[0])
}

var from = regexp.MustCompile(`(?m)^FROM (\S+)`)

// images that a service pulls: its own, or those it is built from.
func images(s types.ServiceConfig) []string {
	if s.Build == nil {
		return []string{s.Image}
	}
	var out []string
	for _, m := range from.FindAllStringSubmatch(s.Build.DockerfileInline, -1) {
		out = append(out, m[1])
	}
	return out
}

// pinned: a digest, or a tag with a full version. Distroless has no versions: its Debian release must be named.
func pinned(image string) bool {
	name, tag, _ := strings.Cut(image, ":")
	if strings.HasPrefix(name, "gcr.io/distroless/") {
		return regexp.MustCompile(`-debian\d+$`).MatchString(name) && tag == "nonroot"
	}
	return strings.Contains(image, "@sha256:") || regexp.MustCompile(`^\d+\.\d+\.\d+`).MatchString(tag)
}
