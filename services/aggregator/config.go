package main

import (
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/obs"
	"github.com/tributary-data/tributary/services/internal/parts"
)

// Config of the aggregator, from TRIBUTARY_* variables.
type Config struct {
	// AdminAddr serves /livez, /readyz and /metrics.
	AdminAddr string `env:"ADMIN_ADDR" envDefault:":8083" help:"serves /livez, /readyz, /metrics"`
	// StateDir holds one store per partition and stage. Empty: ~/.local/share/tributary/aggregator
	StateDir string `env:"STATE_DIR" help:"state of every partition; empty: ~/.local/share/tributary/<service>"`
	// Kafka is the cluster to read from.
	Kafka kafka.Config `envPrefix:"KAFKA_"`
	// ClickHouse is the server to write to; tributary migrate made its tables.
	ClickHouse clickhouse.Config `envPrefix:"CLICKHOUSE_"`
	// Generation of the topic events, and epoch of what is derived from it.
	Generation uint8  `env:"GENERATION" envDefault:"0" help:"generation of the topic events"`
	Epoch      uint16 `env:"EPOCH" envDefault:"0" help:"epoch of what is derived from it"`
	// Ownership: group shares the partitions among the instances that run; all takes them all, for one instance.
	Ownership string `env:"OWNERSHIP" envDefault:"group" help:"group: share the partitions with other instances; all: take them all"`
	// Parts says where copies of the state go.
	Parts parts.Config `envPrefix:""`
	// Instance is this instance's name in the consumer groups: it keeps its partitions over a restart. Empty: host name and state folder.
	Instance string `env:"INSTANCE" help:"name of this instance in the consumer groups, its own and the same after a restart; empty: host name and state folder"`
	// PoisonPerMinute is how many records of a partition may be passed over, as dead letters, within a minute before it stops.
	PoisonPerMinute int `env:"POISON_PER_MINUTE" envDefault:"100" help:"records of a partition that may go to dead letters within a minute before it stops"`
	// FlushEvery is the longest time between flushes.
	FlushEvery time.Duration `env:"FLUSH_EVERY" envDefault:"1s" help:"longest time between flushes"`
	// DiagnoseEvery is the pause between two diagnoses of every funnel, written to bi.diagnoses and bi.alerts.
	DiagnoseEvery time.Duration `env:"DIAGNOSE_EVERY" envDefault:"5m" help:"pause between two diagnoses of every funnel, written to bi.diagnoses and bi.alerts; 0s: none"`
	// ReconcileEvery is the pause between two recounts of the last day that is final, written to bi.reconciliations.
	ReconcileEvery time.Duration `env:"RECONCILE_EVERY" envDefault:"1h" help:"pause between two recounts of the last day that is final, written to bi.reconciliations; 0s: none"`
	// Log settings.
	Log obs.LogConfig `envPrefix:"LOG_"`
}
