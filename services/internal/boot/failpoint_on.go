//go:build failpoints

package boot

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

var passed atomic.Int64

// FailPoint kills the process, as kill -9 would, at the step that TRIBUTARY_CRASH names: crash=<step> or
// crash=<step>:<n> for the n-th time that any partition comes by.
func FailPoint(step string) error {
	want, nth, _ := strings.Cut(strings.TrimPrefix(os.Getenv("TRIBUTARY_CRASH"), "crash="), ":")
	if step != want {
		return nil
	}
	n, err := strconv.ParseInt(nth, 10, 64)
	if err != nil {
		n = 1
	}
	if passed.Add(1) == n {
		os.Exit(137)
	}
	return nil
}
