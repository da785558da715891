// Package kafka is the laptop's broker: one kfake node behind Kafka's wire protocol, kept in a folder. It is the
// only importer of franz-go.
//
// It serves demo, dev and tests on one machine. It neither replicates nor creates topics by itself, and it does
// not survive a power cut: acknowledged writes outlive a killed process, not a killed kernel.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Config of the broker.
type Config struct {
	// Addr to listen on and to advertise, host:port; port 0 takes a free one.
	Addr string
	// DataDir keeps topics, records and group offsets. Empty: memory only.
	DataDir string
}

// Broker is one broker. Run serves it.
type Broker struct{ config Config }

// New checks the configuration; it opens nothing.
func New(c Config) (*Broker, error) {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return nil, fmt.Errorf("broker address %q: expected host:port, such as 127.0.0.1:9092: %w", c.Addr, err)
	}
	// Clients connect to what the broker advertises, and nobody can connect to "every interface".
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return nil, fmt.Errorf("broker address %q names no host that clients could be sent to: use for example 127.0.0.1:9092", c.Addr)
	}
	return &Broker{config: c}, nil
}

// Run serves clients until ctx ends; then it writes its state and closes. It calls ready once with the address to
// connect to. A broker can run again after Run returned.
func (b *Broker) Run(ctx context.Context, ready func(addr string)) (err error) {
	opts := []kfake.Opt{kfake.NumBrokers(1), kfake.ClusterID("tributary")}
	if b.config.DataDir != "" {
		unlock, err := lock(b.config.DataDir)
		if err != nil {
			return err
		}
		defer unlock()
		// The log has a folder of its own, so that kfake never meets the lock file.
		opts = append(opts, kfake.DataDir(filepath.Join(b.config.DataDir, "log")))
	}
	l, err := listen(b.config.Addr)
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	defer l.wait() // the connections' goroutines end with the broker
	var failed errorLog
	opts = append(opts, kfake.WithLogger(&failed), kfake.ListenFn(func(string, string) (net.Listener, error) { return l, nil }))
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		_ = l.Close() // kfake may have closed it already
		return fmt.Errorf("open the broker's log: %w", err)
	}
	l.stamps = newStamper(cluster)
	cluster.ControlKey(int16(kmsg.Produce), l.stamps.produce)
	l.open()
	if ready != nil {
		ready(l.Addr().String())
	}
	<-ctx.Done()
	cluster.Close()
	return failed.err()
}

// lock keeps a second process out of the folder: kfake itself would let both write, and lose both logs.
func lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create the broker's folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the broker's folder: %w", err)
	}
	if err := flock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("another broker uses the folder %s: stop it or choose another folder: %w", dir, err), f.Close())
	}
	// The kernel drops the lock with the file, so a killed broker leaves none behind.
	return func() { f.Close() }, nil
}
