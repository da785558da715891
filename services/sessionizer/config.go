package main

import (
	"time"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/obs"
)

// Config of the sessionizer, from TRIBUTARY_* variables.
type Config struct {
	// AdminAddr serves /livez, /readyz and /metrics.
	AdminAddr string `env:"ADMIN_ADDR" envDefault:":8082"`
	// StateDir holds one store per partition and stage. Empty: ~/.local/share/tributary/sessionizer
	StateDir string `env:"STATE_DIR"`
	// Kafka is the cluster to read from and write to.
	Kafka kafka.Config `envPrefix:"KAFKA_"`
	// Generation of the topic events, and epoch of what is derived from it.
	Generation uint8  `env:"GENERATION" envDefault:"0"`
	Epoch      uint16 `env:"EPOCH" envDefault:"0"`
	// FlushEvery is the longest time between flushes.
	FlushEvery time.Duration `env:"FLUSH_EVERY" envDefault:"1s"`
	// Log settings.
	Log obs.LogConfig `envPrefix:"LOG_"`
}
