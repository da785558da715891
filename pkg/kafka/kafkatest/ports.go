package kafkatest

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are taken below those that systems give to outgoing connections, so that a broker that is down gets its own again.
const (
	lowestPort  = 20000
	highestPort = 31000
)

// freePorts finds n ports in a row, from first on if that is given.
func freePorts(first, n int) (from int, err error) {
	if first > 0 {
		return first, portsFree(first, n)
	}
	for range 50 {
		first = lowestPort + rand.IntN(highestPort-lowestPort-n)
		if err = portsFree(first, n); err == nil {
			return first, nil
		}
	}
	return 0, err
}

func portsFree(first, n int) error {
	for p := first; p < first+n; p++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p))
		if err != nil {
			return fmt.Errorf("%d ports from %d on are not free: %w", n, first, err)
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}
