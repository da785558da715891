package boot

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/tributary-data/tributary/schemas/stores"
)

// elsewhere are settings of one program that may stand in the environment of all: they are shared, or inherited.
var elsewhere = []string{"ADDR", "ADMIN_ADDR", "CLOCK", "STORES", "KAFKA_BROKERS", "KAFKA_TIMEOUT", "KAFKA_HEARTBEAT", "KAFKA_SESSION_TIMEOUT",
	"KAFKA_TLS", "KAFKA_TLS_CA", "KAFKA_TLS_CERT", "KAFKA_TLS_KEY", "KAFKA_SASL", "KAFKA_SASL_USER", "KAFKA_SASL_PASSWORD", "KAFKA_SASL_PASSWORD_FILE",
	"CLICKHOUSE_ADDR", "CLICKHOUSE_USER", "CLICKHOUSE_PASSWORD", "CLICKHOUSE_TIMEOUT", "GENERATION", "EPOCH", "COUNTRY_HEADER", "COUNTRY_DB", "PROXIES", "SHOP",
	"STATE_DIR", "CHECKPOINTS", "CHECKPOINT_EVERY", "OWNERSHIP", "INSTANCE", "POISON_PER_MINUTE", "FLUSH_EVERY", "DIAGNOSE_EVERY", "RECONCILE_EVERY",
	"LOG_LEVEL", "LOG_FORMAT", "ENGINE", "APACHE", "SEED_BASE", "CRASH"}

// settings reads a configuration from the environment. A name that is nearly a setting's is an error; strange are those that
// are like none.
func settings(c any, environ []string) (strange []string, err error) {
	given := env.ToMap(environ)
	known := variables(reflect.TypeOf(c).Elem(), Prefix)
	var names []string
	for _, v := range known {
		names = append(names, v.Name)
	}
	for _, name := range unknown(given, known) {
		if near := stores.Nearest(name, names); near != "" && given[near] == "" {
			return nil, fmt.Errorf("%s is no setting: did you mean %s? Rename or unset it", name, near)
		}
		strange = append(strange, name)
	}
	err = env.ParseWithOptions(c, env.Options{Prefix: Prefix, Environment: given})
	if err == nil {
		return strange, nil
	}
	for _, v := range known {
		if value := given[v.Name]; value != "" && !reads(c, v, value) {
			return nil, fmt.Errorf("%s=%s: use %s", v.Name, value, v.expects())
		}
		if v.required && given[v.Name] == "" {
			return nil, fmt.Errorf("%s is missing: set it (%s)", v.Name, v.About)
		}
	}
	return nil, err
}

// reads tells whether one value alone can be read.
func reads(c any, v variable, value string) bool {
	alone := reflect.New(reflect.TypeOf(c).Elem()).Interface()
	return !strings.Contains(fmt.Sprint(env.ParseWithOptions(alone, env.Options{Prefix: Prefix, Environment: map[string]string{v.Name: value}})), "parse error")
}

// expects says what can be read into a variable.
func (v variable) expects() string {
	switch {
	case v.kind == reflect.TypeFor[time.Duration]():
		return "a duration, such as 10s or 5m"
	case v.kind.Kind() == reflect.Bool:
		return "true or false"
	case v.kind.Kind() >= reflect.Uint && v.kind.Kind() <= reflect.Uint64:
		return fmt.Sprintf("a whole number from 0 to %d", uint64(1)<<v.kind.Bits()-1)
	case v.kind.Kind() == reflect.Slice && v.kind.Elem().Name() == "Prefix":
		return "networks, such as 10.0.0.0/8,192.0.2.0/24"
	}
	return "a " + v.kind.String()
}

// unknown names of ours, in order.
func unknown(given map[string]string, known []variable) (out []string) {
	for name := range given {
		short, ours := strings.CutPrefix(name, Prefix)
		if !ours || slices.Contains(elsewhere, short) || slices.ContainsFunc(known, func(v variable) bool { return v.Name == name }) {
			continue
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
