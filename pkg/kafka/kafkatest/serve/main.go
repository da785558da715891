// Command serve runs Apache Kafka in the foreground. It is what scripts/kafka builds and runs.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka/kafkatest"
)

const about = `Runs Apache Kafka on loopback until Ctrl-C, SIGTERM or the end of the caller.

  ./scripts/kafka run [--nodes 1|3] [--dir D] [--port P] [--json] [--version V]

When a record has been written it prints one line with the addresses: plain, with a login (user %s, password %s; SCRAM-SHA-256,
SCRAM-SHA-512 or PLAIN), with a login over TLS, and with a client's certificate over TLS; then the brokers' process ids, of
which you may kill one. SIGHUP to this process starts again what has ended, and with --json prints the line anew. Logs and certificates are in the folder.

`

type flags struct {
	options kafkatest.Options
	json    bool
	prepare bool
	parent  int // process
}

func main() {
	var f flags
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), about, kafkatest.User, kafkatest.Password)
		flag.PrintDefaults()
	}
	flag.IntVar(&f.options.Nodes, "nodes", 1, "brokers: 1, or 3 that replicate")
	flag.StringVar(&f.options.Dir, "dir", "", "`folder` that keeps the data; without it they go at the end")
	flag.IntVar(&f.options.Port, "port", 0, "the first port, five for each broker; 0 takes free ones")
	flag.StringVar(&f.options.Version, "version", kafkatest.Version, "of Apache Kafka")
	flag.BoolVar(&f.json, "json", false, "print the addresses as one JSON object")
	flag.BoolVar(&f.prepare, "prepare", false, "make what lets a broker start faster, and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f.parent = os.Getppid()
	if err := f.run(ctx); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "kafka:", err)
		os.Exit(1)
	}
}

func (f flags) run(ctx context.Context) (err error) {
	if flag.NArg() > 0 {
		return fmt.Errorf("%s is no flag: see --help", flag.Arg(0))
	}
	if f.prepare {
		return kafkatest.Prepare(ctx, f.options.Version)
	}
	f.options.Secure = true
	if f.options.Dir == "" {
		if f.options.Dir, err = os.MkdirTemp("", "tributary-kafka-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(f.options.Dir)) }()
	}
	fmt.Fprintf(os.Stderr, "kafka: starting, in %s ...\n", f.options.Dir)
	c, err := kafkatest.Launch(ctx, f.options)
	if err != nil {
		return err
	}
	if err := f.announce(c); err != nil {
		return errors.Join(err, c.Close())
	}
	f.watch(ctx, c)
	fmt.Fprintln(os.Stderr, "kafka: stopping ...")
	return c.Shutdown()
}

// watch returns when ctx ends or whoever started this process is gone. Brokers that ended start again at SIGHUP.
func (f flags) watch(ctx context.Context, c *kafkatest.Cluster) {
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	tick := time.NewTicker(time.Second / 2)
	defer tick.Stop()
	for os.Getppid() == f.parent {
		select {
		case <-ctx.Done():
			return
		case <-again:
			for _, id := range c.Down() {
				if err := c.Restart(id); err != nil {
					fmt.Fprintln(os.Stderr, "kafka:", err)
					continue
				}
				fmt.Fprintf(os.Stderr, "kafka: broker %d starts again, pid %d\n", id, c.PID(id))
			}
			if f.json { // for a program that wants to end them again
				if err := f.announce(c); err != nil {
					fmt.Fprintln(os.Stderr, "kafka:", err)
				}
			}
		case <-tick.C:
		}
	}
}

// announce prints the one line.
func (f flags) announce(c *kafkatest.Cluster) error {
	cert, key := c.Certificate()
	var pids []int
	for i := range c.Nodes() {
		pids = append(pids, c.PID(i+1))
	}
	if !f.json {
		fmt.Printf("Apache Kafka %s is ready: brokers=%s sasl=%s sasl_tls=%s mtls=%s ca=%s pids=%v\n", f.options.Version, c.Brokers(), c.SASL(), c.SASLTLS(), c.MTLS(), c.CA(), pids)
		return nil
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"version": f.options.Version, "brokers": c.Brokers(), "sasl": c.SASL(), "sasl_tls": c.SASLTLS(),
		"mtls": c.MTLS(), "ca": c.CA(), "cert": cert, "key": key, "user": kafkatest.User, "password": kafkatest.Password, "pids": pids})
}
