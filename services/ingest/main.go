// Command ingest takes events over HTTP and writes them to Kafka.
package main

import (
	"os"

	"github.com/tributary-data/tributary/pkg/obs"
	"github.com/tributary-data/tributary/services/internal/boot"
)

func main() {
	s := boot.Service[Config]{
		Name:  "ingest",
		About: "takes storefront events over HTTP and answers 200 when they are safe in Kafka",
		Log:   func(c *Config) obs.LogConfig { return c.Log },
		Build: New,
	}
	os.Exit(s.Main(os.Args[1:], os.Stdin, os.Stdout))
}
