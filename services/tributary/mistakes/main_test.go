// Package mistakes lists what strangers do wrong, and holds the programs to one sentence about each that says what to do, and to
// an exit code. It runs the real programs; each row reads as documentation.
package mistakes_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
)

// programs is the folder that the test binary builds its programs into.
var programs string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run exists for its defer: os.Exit runs none.
func run(m *testing.M) (code int) {
	var err error
	if programs, err = os.MkdirTemp("", "tributary-mistakes-"); err != nil {
		fmt.Fprintln(os.Stderr, "mistakes:", err)
		return 1
	}
	defer func() {
		if err := os.RemoveAll(programs); err != nil {
			fmt.Fprintln(os.Stderr, "mistakes:", err)
			code = 1
		}
	}()
	return harness.Main(m)
}

// build compiles the programs once.
var build = sync.OnceValue(func() error {
	if err := os.Chmod(programs, 0o755); err != nil { // another user runs them too
		return err
	}
	c := exec.Command("go", "build", "-o", programs+string(filepath.Separator), "./services/...")
	c.Dir = "../../.."
	if out, err := c.CombinedOutput(); err != nil {
		return errors.Join(err, errors.New(string(out)))
	}
	return nil
})
