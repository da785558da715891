package stack

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/tributary-data/tributary/services/internal/boot"
)

// stopWithin is how long a child may take to drain before it is killed.
const stopWithin = 15 * time.Second

// Process is one process that we started. It ends when we do, whatever happens to us: its standard input is our pipe.
type Process struct {
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	log   string
	addrs chan announcement
	known map[string]string // announced and read so far; only Addr touches it
	done  chan struct{}     // closed when the process is gone
	err   error             // valid after done
}

type announcement struct{ what, addr string }

// StartProcess runs a program with settings as environment, its log in dir. The program must end with its standard input.
func StartProcess(name, dir, program string, args, settings []string) (*Process, error) {
	return start(name, dir, program, args, settings, nil)
}

// start starts a process that holds lock while it lives, if there is one.
func start(name, dir, program string, args, settings []string, lock *os.File) (*Process, error) {
	log, err := os.OpenFile(filepath.Join(dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644) // a restart keeps the last words of a crash
	if err != nil {
		return nil, fmt.Errorf("create log: %w", err)
	}
	c := &Process{name: name, cmd: exec.Command(program, args...), log: log.Name(), addrs: make(chan announcement, 8), known: map[string]string{}, done: make(chan struct{})}
	c.cmd.Stderr = log
	c.cmd.Env = append(os.Environ(), settings...)
	if lock != nil {
		c.cmd.ExtraFiles = []*os.File{lock} // held until the child is gone too
	}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is ours to pass on, in order
	out, err := c.cmd.StdoutPipe()
	if err == nil {
		c.stdin, err = c.cmd.StdinPipe()
	}
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), log.Close())
	}
	go c.watch(out, log)
	return c, nil
}

// watch reads what the child announces until it is gone.
func (c *Process) watch(out io.Reader, log io.Closer) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if what, addr, ok := boot.Announced(lines.Text()); ok {
			select {
			case c.addrs <- announcement{what, addr}:
			default: // more than anybody asked for
			}
		}
	}
	c.err = c.cmd.Wait()
	_ = log.Close() // the child wrote it, not we
	close(c.done)
}

// Addr waits for the address of one of the process's ports. One goroutine at a time may ask.
func (c *Process) Addr(ctx context.Context, what string) (string, error) {
	for {
		if addr, ok := c.known[what]; ok {
			return addr, nil
		}
		select {
		case a := <-c.addrs:
			c.known[a.what] = a.addr // ports are announced in any order
		case <-c.done:
			return "", c.Failure()
		case <-ctx.Done():
			return "", fmt.Errorf("%s did not start: %w", c.name, ctx.Err())
		}
	}
}

// Failure is why the process is gone, with the last line of its log.
func (c *Process) Failure() error {
	b, err := os.ReadFile(c.log)
	if err != nil {
		return fmt.Errorf("%s ended: %w", c.name, errors.Join(c.err, err))
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	words := spoken(lines[len(lines)-1])
	switch code := c.cmd.ProcessState.ExitCode(); {
	case words == "":
		return fmt.Errorf("%s ended (%w) without a word; its log is %s", c.name, orClean(c.err), c.log)
	case code == 1:
		return fmt.Errorf("%s: %s", c.name, words)
	case code == 2 && !strings.HasPrefix(words, "exit status"):
		return fmt.Errorf("%s: %s%w", c.name, words, ErrSettings)
	}
	return fmt.Errorf("%s ended (%w); its last words: %s", c.name, orClean(c.err), words)
}

// ErrSettings marks the failure of a process that refused its settings. It has no words of its own.
var ErrSettings = silent{}

type silent struct{}

func (silent) Error() string { return "" }

// spoken is what a line of a log says: the error of one in JSON, and no program's name in front.
func spoken(line string) string {
	var entry struct{ Msg, Error string }
	if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg != "" {
		return cmp.Or(entry.Error, entry.Msg)
	}
	for _, name := range []string{"tributary", "ingest", "sessionizer", "aggregator"} {
		line = strings.TrimPrefix(line, name+": ")
	}
	return line
}

var errClean = errors.New("exit status 0")

func orClean(err error) error {
	if err == nil {
		return errClean
	}
	return err
}

// Done is closed when the process is gone.
func (c *Process) Done() <-chan struct{} { return c.done }

// Signal sends the process a signal, such as SIGSTOP. It is false if the process is gone.
func (c *Process) Signal(sig os.Signal) bool { return c.cmd.Process.Signal(sig) == nil }

// ExitCode of a process that is gone; −1 if a signal ended it.
func (c *Process) ExitCode() int { return c.cmd.ProcessState.ExitCode() }

// Stop asks the process to drain, and kills it if it does not.
func (c *Process) Stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // gone already is fine
	t := time.NewTimer(stopWithin)
	defer t.Stop()
	select {
	case <-c.done:
	case <-t.C:
		_ = c.cmd.Process.Kill()
		<-c.done
	}
	_ = c.stdin.Close()
}

// CPU is the processor time that the process has used so far; 0 once it is gone.
func (c *Process) CPU() (time.Duration, error) {
	select {
	case <-c.done:
		return 0, nil // its member has added it up
	default:
		return cpuOf(c.cmd.Process.Pid)
	}
}

// used is the processor time of a process that is gone.
func (c *Process) used() time.Duration {
	return c.cmd.ProcessState.UserTime() + c.cmd.ProcessState.SystemTime()
}
