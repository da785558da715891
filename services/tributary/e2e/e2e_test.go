// Package e2e tests the programs from outside: real processes, clients that nobody here wrote, real crashes.
//
// It plays shoppers with Segment's SDK, reads the views with two ClickHouse clients, and looks at nothing inside a
// process. It runs what README.md and CONTRIBUTING.md tell people to run. What a single package means is tested beside that package.
package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// programs is the folder that the test binary builds its programs into.
var programs string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run exists for its defer: os.Exit runs none.
func run(m *testing.M) (code int) {
	var err error
	if programs, err = os.MkdirTemp("", "tributary-e2e-"); err == nil {
		programs, err = filepath.EvalSymlinks(programs) // running processes are known by their real path
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer func() {
		if err := os.RemoveAll(programs); err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			code = 1
		}
	}()
	return m.Run()
}

// skipIfShort skips what builds and starts programs.
func skipIfShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: builds all programs and starts the whole stack, several times")
	}
}

// waitWithin is how long the pipeline may take to do what a test waits for.
const waitWithin = 30 * time.Second

// errGone says that what was waited for cannot come any more.
var errGone = errors.New("a process ended")

// await asks until done says yes. It returns errGone, with the reason, as soon as dead tells of a process.
func await(ctx context.Context, what string, dead <-chan error, done func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, waitWithin)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := done(ctx)
		if err == nil && ok {
			return nil
		}
		select {
		case why := <-dead:
			return errors.Join(errGone, why)
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s: %w", waitWithin, what, errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}
