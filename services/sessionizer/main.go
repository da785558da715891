// Command sessionizer folds events into sessions.
package main

import (
	"os"

	"github.com/tributary-data/tributary/pkg/obs"
	"github.com/tributary-data/tributary/services/internal/boot"
)

func main() {
	s := boot.Service[Config]{
		Name:  "sessionizer",
		About: "folds the topic events into sessions, one partition's log at a time",
		Log:   func(c *Config) obs.LogConfig { return c.Log },
		Build: New,
	}
	os.Exit(s.Main(os.Args[1:], os.Stdin, os.Stdout))
}
