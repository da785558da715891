package kafka

import (
	"net"
	"sync"

	"github.com/tributary-data/tributary/pkg/obs"
)

// listener is the broker's socket. kfake advertises Addr, so Addr keeps the host that was asked for; and it starts
// serving inside NewCluster, so Accept waits until the hooks are in place.
type listener struct {
	net.Listener
	addr   addr
	opened chan struct{}
	once   sync.Once
	conns  sync.WaitGroup
	stamps *stamper // set before open
}

// addr is an advertised host:port.
type addr string

func (addr) Network() string  { return "tcp" }
func (a addr) String() string { return string(a) }

func listen(address string) (*listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	inner, err := obs.Listen(address)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(inner.Addr().String())
	if err != nil {
		return nil, err
	}
	return &listener{Listener: inner, addr: addr(net.JoinHostPort(host, port)), opened: make(chan struct{})}, nil
}

// open lets clients in.
func (l *listener) open() { l.once.Do(func() { close(l.opened) }) }

// Addr is what clients are told.
func (l *listener) Addr() net.Addr { return l.addr }

// Accept waits for open, then for a client.
func (l *listener) Accept() (net.Conn, error) {
	<-l.opened
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.conns.Add(1)
	return &conn{Conn: c, stamps: l.stamps, done: sync.OnceFunc(l.conns.Done)}, nil
}

// Close ends Accept, also one that never opened.
func (l *listener) Close() error {
	err := l.Listener.Close()
	l.open()
	return err
}

// wait returns when every accepted connection is closed.
func (l *listener) wait() { l.conns.Wait() }
