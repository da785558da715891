package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	embeddedch "github.com/tributary-data/tributary/pkg/embedded/clickhouse"
	embeddedkafka "github.com/tributary-data/tributary/pkg/embedded/kafka"
	"github.com/tributary-data/tributary/services/internal/boot"
)

// attached ends with standard input, so that nothing outlives the process that started it.
type attached struct {
	Attached bool `help:"End when standard input does."`
}

func (a attached) context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if a.Attached {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // any end is the end
			cancel()
		}()
	}
	return ctx, cancel
}

type embeddedKafkaCmd struct {
	attached
	Addr string `help:"Address to listen on." default:"127.0.0.1:9092"`
	Data string `help:"Data folder." required:""`
}

// Run serves the broker until the end.
func (c *embeddedKafkaCmd) Run(ctx context.Context) error {
	ctx, cancel := c.context(ctx)
	defer cancel()
	b, err := embeddedkafka.New(embeddedkafka.Config{Addr: c.Addr, DataDir: c.Data})
	if err != nil {
		return err
	}
	return b.Run(ctx, boot.Announce("kafka"))
}

type embeddedClickHouseCmd struct {
	attached
	Addr    string `help:"Address to listen on." default:"127.0.0.1:8123"`
	Data    string `help:"Data folder." required:""`
	Library string `help:"Path of libchdb." env:"TRIBUTARY_ENGINE" required:""`
}

// Run serves the engine until the end.
func (c *embeddedClickHouseCmd) Run(ctx context.Context) error {
	ctx, cancel := c.context(ctx)
	defer cancel()
	if err := c.apart(); err != nil {
		return err
	}
	s, err := embeddedch.New(embeddedch.Config{Addr: c.Addr, DataDir: c.Data, Library: c.Library})
	if err != nil {
		return err
	}
	return s.Run(ctx, boot.Announce("clickhouse"))
}

// apart moves the process into an empty folder: in the database default the engine takes a table's name for a file of
// the working folder, if there is one.
func (c *embeddedClickHouseCmd) apart() (err error) {
	if c.Data, err = filepath.Abs(c.Data); err == nil {
		c.Library, err = filepath.Abs(c.Library)
	}
	empty := filepath.Join(c.Data, "nothing")
	if err == nil {
		err = os.MkdirAll(empty, 0o755)
	}
	if err == nil {
		err = os.Chdir(empty)
	}
	if err != nil {
		return fmt.Errorf("give the engine a working folder of its own: %w", err)
	}
	return nil
}
