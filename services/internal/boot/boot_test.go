package boot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/obs"
)

type config struct {
	Name string        `env:"NAME,required" help:"who it is"`
	Log  obs.LogConfig `envPrefix:"LOG_"`
}

// runner ends with err, or with the context if err is nil.
type runner struct{ err error }

func (r runner) Run(ctx context.Context) error {
	if r.err != nil {
		return r.err
	}
	<-ctx.Done()
	return ctx.Err()
}

func service(err error) Service[config] {
	return Service[config]{Name: "x", About: "does things", Log: func(c *config) obs.LogConfig { return c.Log },
		Build: func(c config, _ *zap.Logger) (Runner, error) {
			if c.Name == "bad" {
				return nil, errors.New("bad name")
			}
			return runner{err}, nil
		}}
}

func TestExitCodes(t *testing.T) {
	var out bytes.Buffer
	for _, c := range []struct {
		name string
		err  error
		args []string
		want int
	}{
		{"a", nil, []string{"--attached"}, 0}, // standard input ends at once, and the runner with it
		{"a", errors.New("boom"), nil, 1},
		{"a", errors.New("boom"), []string{"--check"}, 0},
		{"bad", nil, []string{"--check"}, 2},
		{"", nil, nil, 2},
		{"a", nil, []string{"--nonsense"}, 2},
		{"a", nil, []string{"--help"}, 0},
	} {
		t.Setenv("TRIBUTARY_NAME", c.name)
		if c.name == "" {
			os.Unsetenv("TRIBUTARY_NAME")
		}
		if got := service(c.err).Main(c.args, strings.NewReader(""), &out); got != c.want {
			t.Errorf("%+v: exit %d", c, got)
		}
	}
	for _, want := range []string{"x does things", "TRIBUTARY_NAME", "who it is", "TRIBUTARY_LOG_LEVEL", "(default info)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("help lacks %q:\n%s", want, out.String())
		}
	}
}

// Ensure that machines get what people read in the help.
func TestSettingsAsJSON(t *testing.T) {
	var out bytes.Buffer
	var got []Variable
	if code := service(nil).Main([]string{"--settings"}, strings.NewReader(""), &out); code != 0 {
		t.Fatalf("exit %d", code)
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || len(got) != 3 ||
		got[0] != (Variable{Name: "TRIBUTARY_NAME", About: "who it is"}) || got[1].Name != "TRIBUTARY_LOG_LEVEL" || got[1].Default != "info" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAnnounce(t *testing.T) {
	if what, addr, ok := Announced("tributary: admin on 127.0.0.1:1"); what != "admin" || addr != "127.0.0.1:1" || !ok {
		t.Errorf("got %q %q %t", what, addr, ok)
	}
	if _, _, ok := Announced("something else"); ok {
		t.Error("another line was taken")
	}
}

func TestStateDir(t *testing.T) {
	t.Setenv("HOME", "/home/x")
	if got, err := StateDir("", "aggregator"); err != nil || got != filepath.Join("/home/x", ".local/share/tributary/aggregator") {
		t.Errorf("got %s, %v", got, err)
	}
	if got, _ := StateDir("/y", "aggregator"); got != "/y" {
		t.Errorf("got %s", got)
	}
}
