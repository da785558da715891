package boot

import (
	"slices"
	"strings"
	"testing"
	"time"
)

type several struct {
	Shop bool `env:"SHOP" help:"serve a shop"`
	Part struct {
		Timeout time.Duration `env:"TIMEOUT" envDefault:"1s"`
		Brokers string        `env:"BROKERS"`
	} `envPrefix:"KAFKA_"`
	Key string `env:"KEY,required" help:"who it is"`
}

// Ensure that a wrong setting is told by its own name, whatever else is set, and that other programs' settings are no mistake.
func TestSettings(t *testing.T) {
	for _, c := range []struct{ environ, want string }{
		{"TRIBUTARY_KEY=k TRIBUTARY_SHOP=maybe", "TRIBUTARY_SHOP=maybe: use true or false"},
		{"TRIBUTARY_KEY=k TRIBUTARY_KAFKA_TIMEOUT=10", "TRIBUTARY_KAFKA_TIMEOUT=10: use a duration"},
		{"TRIBUTARY_SHOP=true", "TRIBUTARY_KEY is missing: set it (who it is)"},
		{"TRIBUTARY_KEY=k TRIBUTARY_KAFKA_BROKER=x", "did you mean TRIBUTARY_KAFKA_BROKERS?"},
		{"TRIBUTARY_KEY=k TRIBUTARY_KAFKA_BROKER=x TRIBUTARY_KAFKA_BROKERS=y", ""}, // the right one counts: a word in the log will do
		{"TRIBUTARY_KEY=k TRIBUTARY_STATE_DIR=x", ""},
	} {
		_, err := settings(&several{}, strings.Fields(c.environ))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.environ, err, c.want)
		}
	}
	strange, err := settings(&several{}, []string{"TRIBUTARY_KEY=k", "TRIBUTARY_OTHER=1", "TRIBUTARY_STATE_DIR=x", "PATH=y"})
	if err != nil || !slices.Equal(strange, []string{"TRIBUTARY_OTHER"}) {
		t.Errorf("strange are %q, %v", strange, err)
	}
}
