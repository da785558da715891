package kafkatest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
)

// ErrNetwork says that this machine does not let us make network namespaces.
var ErrNetwork = errors.New("network namespaces need root, and ip of iproute2")

// network joins the namespaces of the nodes, and this one, by a bridge. Its names and addresses end in a random number, so that
// two clusters do not meet: 198.18.0.0/15 is for tests of networks (RFC 2544).
type network struct{ number int }

// newNetwork makes a bridge, and a namespace for each of n nodes.
func newNetwork(n int) (*network, error) {
	if _, err := exec.LookPath("ip"); err != nil || os.Geteuid() != 0 {
		return nil, ErrNetwork
	}
	w, err := claimNetwork()
	if err != nil {
		return nil, err
	}
	calls := []string{"addr add $host/24 dev $bridge", "link set $bridge up"}
	for i := 1; i <= n; i++ {
		calls = append(calls, w.of(i, "netns add $space"), w.of(i, "link add $outer type veth peer name $inner"),
			w.of(i, "link set $inner netns $space"), w.of(i, "link set $outer master $bridge up"),
			w.of(i, "-n $space addr add $addr/24 dev $inner"), w.of(i, "-n $space link set $inner up"), w.of(i, "-n $space link set lo up"))
	}
	for _, c := range calls {
		if err := w.ip(c); err != nil {
			return nil, errors.Join(forbidden(err), w.close(n))
		}
	}
	return w, nil
}

// claimNetwork makes a bridge with a number that nobody has.
func claimNetwork() (w *network, err error) {
	for range 20 {
		w = &network{number: 1 + rand.IntN(254)}
		if err = w.ip("link add $bridge type bridge"); err == nil {
			return w, nil
		}
		if !strings.Contains(err.Error(), "File exists") {
			break
		}
	}
	return nil, forbidden(err)
}

// forbidden tells that root may not do it here, as in a container.
func forbidden(err error) error {
	if strings.Contains(err.Error(), "Operation not permitted") || strings.Contains(err.Error(), "not supported") {
		return errors.Join(ErrNetwork, err)
	}
	return err
}

// of fills a node's names into a call.
func (w *network) of(node int, call string) string {
	return strings.NewReplacer("$space", w.space(node), "$outer", fmt.Sprintf("tb%do%d", w.number, node),
		"$inner", fmt.Sprintf("tb%di%d", w.number, node), "$addr", w.addr(node)).Replace(call)
}

func (w *network) space(node int) string { return fmt.Sprintf("tb%dn%d", w.number, node) }

func (w *network) addr(node int) string { return fmt.Sprintf("198.18.%d.%d", w.number, 10+node) }

// ip runs the tool of that name.
func (w *network) ip(call string) error {
	call = strings.NewReplacer("$bridge", fmt.Sprintf("tb%d", w.number), "$host", fmt.Sprintf("198.18.%d.1", w.number)).Replace(call)
	out, err := exec.Command("ip", strings.Fields(call)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", call, err, bytes.TrimSpace(out))
	}
	return nil
}

// inside runs a command in a node's namespace.
func (w *network) inside(node int, c *exec.Cmd) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", w.space(node)}, c.Args...)...)
}

// cut takes a node off the bridge, or puts it back: what it sends or is sent is lost, and its connections stay open.
func (w *network) cut(node int, off bool) error {
	if off {
		return w.ip(w.of(node, "link set $outer down"))
	}
	return w.ip(w.of(node, "link set $outer up"))
}

// close removes all of it. The nodes' processes have ended.
func (w *network) close(n int) error {
	var errs []error
	for i := 1; i <= n; i++ {
		errs = append(errs, w.ip(w.of(i, "link del $outer")), w.ip(w.of(i, "netns del $space"))) // the first takes its peer along
	}
	return errors.Join(append(errs, w.ip("link del $bridge"))...)
}

// Cut takes a node off the network (Options.Network): what it sends or is sent is lost, and its connections stay open.
func (c *Cluster) Cut(i int) error { return c.link(i, true) }

// Heal puts a node back on the network.
func (c *Cluster) Heal(i int) error { return c.link(i, false) }

func (c *Cluster) link(i int, off bool) error {
	if c.network == nil {
		return errors.New("the cluster has no network of its own: set Options.Network")
	}
	return c.on(i, func(n *node) error { return c.network.cut(n.id, off) })
}

// unlink removes the network of nodes that have ended.
func (c *Cluster) unlink() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.network == nil {
		return nil
	}
	w := c.network
	c.network = nil
	return w.close(len(c.nodes))
}
