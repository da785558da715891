package kafkatest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// node is one broker and controller, with the process that runs it now.
type node struct {
	id      int
	dir     string
	ports   map[string]int // by listener
	network *network       // nil: it is on loopback

	cmd   *exec.Cmd
	done  chan struct{} // closed when the process has ended
	asked bool          // to end
}

// stopWithin is how long a broker may take to end after SIGTERM.
const stopWithin = 20 * time.Second

func (n *node) addr(listener string) string {
	host := "127.0.0.1"
	if n.network != nil {
		host = n.network.addr(n.id)
	}
	return net.JoinHostPort(host, strconv.Itoa(n.ports[listener]))
}

func (n *node) logFile() string { return filepath.Join(n.dir, "server.log") }

// start runs the broker; its log goes to a file. The kernel ends it when this process ends, however that happens.
func (n *node) start(d distribution, flags []string) error {
	out, err := os.OpenFile(n.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("start broker %d: %w", n.id, err)
	}
	defer out.Close()
	if len(flags) == 0 {
		flags = []string{"-XX:SharedArchiveFile=" + d.archive()} // Java ignores one that is missing or of another Java
	}
	flags = append(flags, "-Dlog4j2.configurationFile="+filepath.Join(n.dir, "log4j2.properties"), "-Dlog4j2.disable.jmx=true")
	cmd := d.command(flags, "kafka.Kafka", filepath.Join(n.dir, "server.properties"))
	if n.network != nil {
		cmd = n.network.inside(n.id, cmd)
	}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = childAttributes()
	started, done := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // the kernel's promise hangs on the thread that starts the process
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended stands in its log
		}
		close(done)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start broker %d: %w", n.id, err)
	}
	n.cmd, n.done, n.asked = cmd, done, false
	return nil
}

func (n *node) runs() bool {
	if n.cmd == nil {
		return false
	}
	select {
	case <-n.done:
		return false
	default:
		return true
	}
}

func (n *node) signal(s syscall.Signal) error {
	if !n.runs() {
		return fmt.Errorf("broker %d does not run", n.id)
	}
	if err := n.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal broker %d: %w", n.id, err)
	}
	return nil
}

// kill ends the process at once.
func (n *node) kill() error {
	if err := n.signal(syscall.SIGKILL); err != nil {
		return err
	}
	n.asked = true
	<-n.done
	return nil
}

// stop lets the broker hand over and close its log, within stopWithin.
func (n *node) stop() error {
	if err := n.signal(syscall.SIGTERM); err != nil {
		return err
	}
	n.asked = true
	select {
	case <-n.done:
		return nil
	case <-time.After(stopWithin):
		return errors.Join(fmt.Errorf("broker %d did not end within %s of SIGTERM", n.id, stopWithin), n.kill())
	}
}

// tail is the end of the log, for an error.
func (n *node) tail() string {
	b, err := os.ReadFile(n.logFile())
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-15):], []byte("\n")))
}
