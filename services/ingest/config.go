package main

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/obs"
)

// Config of ingest, from TRIBUTARY_* variables.
type Config struct {
	// Addr takes storefront traffic.
	Addr string `env:"ADDR" envDefault:":8080" help:"takes storefront traffic"`
	// AdminAddr serves /livez, /readyz, /metrics and, with a driven clock, /clock.
	AdminAddr string `env:"ADMIN_ADDR" envDefault:":8081" help:"serves /livez, /readyz, /metrics"`
	// Clock: wall, or driven (set through the admin port; only with a broker on this machine).
	Clock string `env:"CLOCK" envDefault:"wall" help:"wall, or driven: set through the admin port, for simulations on loopback only"`
	// Stores are store files, or folders of them. Empty: the demo's store.
	Stores []string `env:"STORES" help:"store files or folders, comma separated; empty: the demo's store"`
	// Kafka is the cluster to write to.
	Kafka kafka.Config `envPrefix:"KAFKA_"`
	// Generation of the topic events.
	Generation uint8 `env:"GENERATION" envDefault:"0" help:"generation of the topic events"`
	// CountryHeader in which a CDN tells the client's country. Empty: none does.
	CountryHeader string `env:"COUNTRY_HEADER" help:"header in which a CDN tells the country, such as CF-IPCountry"`
	// CountryDB is a MaxMind DB file that tells the country where the header does not. Empty: none does.
	CountryDB string `env:"COUNTRY_DB" help:"MaxMind DB file that tells the country by address, where the header does not, such as GeoLite2-Country.mmdb; read at start"`
	// Proxies whose X-Forwarded-For is believed.
	Proxies []netip.Prefix `env:"PROXIES" help:"networks whose X-Forwarded-For is believed, CIDR, comma separated"`
	// Shop serves a small storefront to click, under /shop/, whose sessions are read from ClickHouse: for trying out.
	Shop bool `env:"SHOP" envDefault:"false" help:"serve a small shop to click under /shop/, for trying out"`
	// ClickHouse that the shop reads; ingest itself needs none.
	ClickHouse clickhouse.Config `envPrefix:"CLICKHOUSE_"`
	// Log settings.
	Log obs.LogConfig `envPrefix:"LOG_"`

	ahead     time.Duration // of the wall clock: tests set it
	openEvery time.Duration // how often to look whether a closed store was applied meanwhile; 0 = the usual
}

// The two clocks.
const (
	clockWall   = "wall"
	clockDriven = "driven"
)

// Validate says what is wrong with a configuration.
func (c Config) Validate() error {
	switch c.Clock {
	case clockWall:
	case clockDriven:
		if !c.Kafka.Loopback() {
			return errors.New("TRIBUTARY_CLOCK=driven needs every broker address on loopback: a driven clock would spoil real data")
		}
	default:
		return fmt.Errorf("TRIBUTARY_CLOCK=%s: expected wall or driven", c.Clock)
	}
	return nil
}
