// Command aggregator writes facts and funnel cells to ClickHouse.
package main

import (
	"os"

	"github.com/tributary-data/tributary/pkg/obs"
	"github.com/tributary-data/tributary/services/internal/boot"
)

func main() {
	s := boot.Service[Config]{
		Name:  "aggregator",
		About: "writes events, sessions and windowed funnel cells to ClickHouse",
		Log:   func(c *Config) obs.LogConfig { return c.Log },
		Build: New,
	}
	os.Exit(s.Main(os.Args[1:], os.Stdin, os.Stdout))
}
