package soak

import (
	"fmt"
	"path/filepath"

	"github.com/tributary-data/tributary/pkg/stream"
)

// service is a machine that knows where the servers are.
func (f *fleet) service(name string, own func(order, addrOf) (program string, settings []string)) *machine {
	return &machine{name: name, command: func(o order, addr addrOf) (string, []string, []string) {
		program, settings := own(o, addr)
		return program, []string{"--attached"}, append(settings, "TRIBUTARY_KAFKA_BROKERS="+f.brokers, "TRIBUTARY_KAFKA_TLS=false", "TRIBUTARY_KAFKA_SASL=none",
			"TRIBUTARY_CLICKHOUSE_ADDR="+f.engine, "TRIBUTARY_ADMIN_ADDR="+anyPort, "TRIBUTARY_LOG_FORMAT=json", "TRIBUTARY_LOG_LEVEL=info",
			"TRIBUTARY_KAFKA_HEARTBEAT=300ms", "TRIBUTARY_KAFKA_SESSION_TIMEOUT="+sessionTimeout.String())
	}}
}

// stateful is an instance of a service that folds; its program can be told to die between two given steps.
func (f *fleet) stateful(service string, instance int) *machine {
	name := fmt.Sprintf("%s-%d", service, instance)
	state := filepath.Join(f.config.Dir, "state", name)
	m := f.service(name, func(o order, _ addrOf) (string, []string) {
		settings := append(f.folding(name, state, filepath.Join(f.config.Dir, "checkpoints")), "TRIBUTARY_CHECKPOINT_EVERY=4s")
		if o.nth > 0 {
			settings = append(settings, fmt.Sprintf("TRIBUTARY_CRASH=crash=%s:%d", stream.StepWritten, o.nth))
		}
		return filepath.Join(f.config.Bin, "chaos", service), settings
	})
	m.state = state
	return m
}

func (f *fleet) folding(name, state, checkpoints string) []string {
	return []string{"TRIBUTARY_INSTANCE=" + name, "TRIBUTARY_STATE_DIR=" + state, "TRIBUTARY_CHECKPOINTS=" + checkpoints, "TRIBUTARY_OWNERSHIP=group"}
}

// addFresh starts one instance of each stateful service, with nothing of the others'.
func (f *fleet) addFresh() error {
	for _, service := range []string{sessionizer, aggregator} {
		name := "fresh-" + service
		if err := f.add(f.service(name, func(order, addrOf) (string, []string) {
			return filepath.Join(f.config.Bin, service), append(f.folding(name, filepath.Join(f.config.Dir, "state", name), filepath.Join(f.config.Dir, "fresh-checkpoints")),
				"TRIBUTARY_EPOCH=1", "TRIBUTARY_CHECKPOINT_EVERY=0s")
		})); err != nil {
			return err
		}
	}
	return nil
}
