package obs

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// Preferred is an address that Listen takes if it can have it: a free port of the host will do as well.
func Preferred(addr string) string { return addr + preferred }

const preferred = "?"

// Listen takes an address, host:port. Its error says what to do where it cannot be had.
func Listen(addr string) (net.Listener, error) {
	addr, orFree := strings.CutSuffix(addr, preferred)
	l, err := net.Listen("tcp", addr)
	if host, _, serr := net.SplitHostPort(addr); orFree && errors.Is(err, syscall.EADDRINUSE) && serr == nil {
		l, err = net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	var name *net.AddrError
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, refusal{fmt.Sprintf("address %s is taken by another program: stop it, or choose another address", addr), err}
	case errors.Is(err, syscall.EACCES):
		return nil, refusal{fmt.Sprintf("no permission to listen on %s: choose a port above 1023", addr), err}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, refusal{fmt.Sprintf("%s is no address of this machine: use 127.0.0.1 or one of its own", addr), err}
	case errors.As(err, &name):
		return nil, refusal{fmt.Sprintf("cannot listen on %q (%s): use host:port, such as 127.0.0.1:8080", addr, name.Err), err}
	}
	return nil, fmt.Errorf("cannot listen on %s: choose another address: %w", addr, err)
}

// refusal is a sentence for a person that keeps its cause.
type refusal struct {
	text  string
	cause error
}

func (r refusal) Error() string { return r.text }
func (r refusal) Unwrap() error { return r.cause }
