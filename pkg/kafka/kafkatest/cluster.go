package kafkatest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options of a cluster.
type Options struct {
	// Nodes is one or three; each is a broker and a controller. Default: 1
	Nodes int
	// Secure adds listeners with SASL, with SASL over TLS, and with TLS that asks for a client's certificate.
	Secure bool
	// Network gives each node a network namespace with an address of its own, so that it can be cut off (Cut). It needs root, and
	// ip of iproute2: else the error is ErrNetwork. Such a cluster is not started again in its folder.
	Network bool
	// Settings replace or add to the brokers' settings.
	Settings map[string]string
	// Dir keeps everything; a cluster started in it again goes on with its data. Start fills it in.
	Dir string
	// Port is the first of those that the listeners take. Default: some that are free
	Port int
	// Version of Apache Kafka. Default: Version
	Version string

	javaFlags []string
}

// Cluster is a running Apache Kafka. Nodes are numbered from 1.
type Cluster struct {
	options Options
	dist    distribution

	network *network // nil: all are on loopback

	mu    sync.Mutex // of the processes
	nodes []*node
}

// layout is what a folder remembers of its cluster.
type layout struct {
	Nodes  int
	Secure bool
	Ports  []map[string]int
}

// readyWithin is how long a cluster may take to write its first record, on a busy machine.
const readyWithin = 90 * time.Second

// Launch starts a cluster and waits until it has written a record to every node. The caller closes it.
func Launch(ctx context.Context, o Options) (*Cluster, error) {
	if o.Nodes == 0 {
		o.Nodes = 1
	}
	if o.Nodes != 1 && o.Nodes != 3 {
		return nil, fmt.Errorf("a cluster of %d nodes: use 1 or 3", o.Nodes)
	}
	if o.Version == "" {
		o.Version = Version
	}
	dist, err := find(ctx, o.Version)
	if err != nil {
		return nil, err
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, fmt.Errorf("folder of the cluster: %w", err)
	}
	c := &Cluster{options: o, dist: dist}
	if err := c.plan(); err != nil {
		return nil, err
	}
	for _, n := range c.nodes {
		if err := c.prepare(ctx, n); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	for _, n := range c.nodes {
		if err := n.start(dist, c.options.javaFlags); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	if err := c.Ready(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// plan reads the folder's layout, or makes one.
func (c *Cluster) plan() error {
	var l layout
	file := filepath.Join(c.options.Dir, "cluster.json")
	text, err := os.ReadFile(file)
	switch {
	case err == nil:
		if err := json.Unmarshal(text, &l); err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		if l.Nodes != c.options.Nodes || l.Secure != c.options.Secure {
			return fmt.Errorf("%s holds a cluster of %d nodes (secure: %t): start it as that, or use another folder", c.options.Dir, l.Nodes, l.Secure)
		}
	case errors.Is(err, fs.ErrNotExist):
		if l, err = c.newLayout(file); err != nil {
			return err
		}
	default:
		return fmt.Errorf("read the cluster's layout: %w", err)
	}
	if c.options.Network {
		if c.network, err = newNetwork(l.Nodes); err != nil {
			return err
		}
	}
	for i, ports := range l.Ports {
		c.nodes = append(c.nodes, &node{id: i + 1, dir: filepath.Join(c.options.Dir, fmt.Sprintf("node%d", i+1)), ports: ports, network: c.network})
	}
	return nil
}

func (c *Cluster) newLayout(file string) (layout, error) {
	l := layout{Nodes: c.options.Nodes, Secure: c.options.Secure}
	doors := open
	if l.Secure {
		doors = slices.Concat(open, secure)
	}
	port, err := freePorts(c.options.Port, l.Nodes*len(doors))
	if err != nil {
		return l, err
	}
	for range l.Nodes {
		ports := map[string]int{}
		for _, d := range doors {
			ports[d.name] = port
			port++
		}
		l.Ports = append(l.Ports, ports)
	}
	if err := os.MkdirAll(c.options.Dir, 0o755); err != nil {
		return l, fmt.Errorf("folder of the cluster: %w", err)
	}
	if l.Secure {
		if err := writeCertificates(c.options.Dir); err != nil {
			return l, err
		}
	}
	text, err := json.Marshal(l)
	if err != nil {
		return l, fmt.Errorf("encode the cluster's layout: %w", err)
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return l, fmt.Errorf("write the cluster's layout: %w", err)
	}
	return l, nil
}

// prepare writes what a node reads when it starts.
func (c *Cluster) prepare(ctx context.Context, n *node) error {
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return fmt.Errorf("folder of broker %d: %w", n.id, err)
	}
	for name, text := range map[string][]byte{"server.properties": properties(c.settings(n)), "log4j2.properties": []byte(logging)} {
		if err := os.WriteFile(filepath.Join(n.dir, name), text, 0o600); err != nil {
			return fmt.Errorf("settings of broker %d: %w", n.id, err)
		}
	}
	return c.dist.format(ctx, n)
}

func (c *Cluster) node(i int) (*node, error) {
	if i < 1 || i > len(c.nodes) {
		return nil, fmt.Errorf("no broker %d: there are %d", i, len(c.nodes))
	}
	return c.nodes[i-1], nil
}

// on calls f with a node while nobody else starts or ends one.
func (c *Cluster) on(i int, f func(*node) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.node(i)
	if err != nil {
		return err
	}
	return f(n)
}

// Kill ends a broker with SIGKILL.
func (c *Cluster) Kill(i int) error { return c.on(i, (*node).kill) }

// Stop ends a broker with SIGTERM and waits for it.
func (c *Cluster) Stop(i int) error { return c.on(i, (*node).stop) }

// Pause stops a broker's process where it is (SIGSTOP): its connections stay open and say nothing.
func (c *Cluster) Pause(i int) error {
	return c.on(i, func(n *node) error { return n.signal(syscall.SIGSTOP) })
}

// Continue lets a paused broker go on.
func (c *Cluster) Continue(i int) error {
	return c.on(i, func(n *node) error { return n.signal(syscall.SIGCONT) })
}

// Restart starts a broker that has ended. It does not wait for it: see Ready.
func (c *Cluster) Restart(i int) error {
	return c.on(i, func(n *node) error {
		if n.runs() {
			return fmt.Errorf("broker %d runs already", n.id)
		}
		return n.start(c.dist, nil)
	})
}

// Down are the brokers that do not run.
func (c *Cluster) Down() (ids []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.nodes {
		if !n.runs() {
			ids = append(ids, n.id)
		}
	}
	return ids
}

// PID of a broker's process; 0 while it has none.
func (c *Cluster) PID(i int) (pid int) {
	_ = c.on(i, func(n *node) error { // no such broker has no process
		if n.runs() {
			pid = n.cmd.Process.Pid
		}
		return nil
	})
	return pid
}

// Nodes is their number.
func (c *Cluster) Nodes() int { return len(c.nodes) }

// Log is the path of a broker's log.
func (c *Cluster) Log(i int) string { return c.nodes[i-1].logFile() }

// Addr is one broker's plain address.
func (c *Cluster) Addr(i int) string { return c.nodes[i-1].addr("PLAINTEXT") }

// Brokers are the plain addresses, without login.
func (c *Cluster) Brokers() string { return c.addresses("PLAINTEXT") }

// SASL are the addresses that ask for a login (User, Password) and do not encrypt.
func (c *Cluster) SASL() string { return c.addresses("SASL") }

// SASLTLS are the addresses that encrypt (CA) and ask for a login.
func (c *Cluster) SASLTLS() string { return c.addresses("SASLTLS") }

// MTLS are the addresses that encrypt and ask for a client's certificate (Certificate).
func (c *Cluster) MTLS() string { return c.addresses("MTLS") }

// CA is the file of the authority that signed the brokers' certificates.
func (c *Cluster) CA() string { return filepath.Join(c.options.Dir, caFile) }

// Certificate are the files of a client's certificate and its key.
func (c *Cluster) Certificate() (cert, key string) {
	return filepath.Join(c.options.Dir, clientFile), filepath.Join(c.options.Dir, clientKey)
}

func (c *Cluster) addresses(listener string) string {
	var out []string
	for _, n := range c.nodes {
		out = append(out, n.addr(listener))
	}
	return strings.Join(out, ",")
}

// Shutdown ends all brokers with SIGTERM, as a person would.
func (c *Cluster) Shutdown() error { return errors.Join(c.end((*node).stop), c.unlink()) }

// Close ends all brokers with SIGKILL. It may be called again.
func (c *Cluster) Close() error { return errors.Join(c.end((*node).kill), c.unlink()) }

func (c *Cluster) end(how func(*node) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var wg sync.WaitGroup
	errs := make([]error, len(c.nodes))
	for i, n := range c.nodes {
		if n.runs() {
			wg.Go(func() { errs[i] = how(n) })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}
