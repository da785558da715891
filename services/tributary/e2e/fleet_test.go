package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/tributary-data/tributary/services/internal/boot"
)

// instance is one sessionizer that shares the work, with a name and a state folder that it keeps when it is started again.
type instance struct {
	name string
	dir  string // holds its state and its log
	set  []string

	cmd   *exec.Cmd
	done  chan struct{} // closed when the process has ended
	admin string
}

// sessionizer is an instance that is not started. set are its settings, NAME=value.
func sessionizer(t *testing.T, name string, set ...string) *instance {
	t.Helper()
	i := &instance{name: name, dir: t.TempDir()}
	i.set = append([]string{"TRIBUTARY_ADMIN_ADDR=127.0.0.1:0", "TRIBUTARY_INSTANCE=" + name, "TRIBUTARY_LOG_FORMAT=json",
		"TRIBUTARY_STATE_DIR=" + filepath.Join(i.dir, "state"), "TRIBUTARY_FLUSH_EVERY=" + flushEvery}, set...)
	t.Cleanup(func() {
		if i.runs() {
			i.kill(t)
		}
		if t.Failed() {
			t.Logf("%s: ... %s", name, i.log(t)[max(0, len(i.log(t))-2000):])
		}
	})
	return i
}

func (i *instance) logFile() string { return filepath.Join(i.dir, "log") }

func (i *instance) log(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(i.logFile())
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// start runs it and waits until it says where its admin server is.
func (i *instance) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(i.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	i.cmd, i.done = exec.Command(filepath.Join(plain(t), "sessionizer")), make(chan struct{})
	i.cmd.Env, i.cmd.Stderr = append(os.Environ(), i.set...), log
	out, err := i.cmd.StdoutPipe()
	if err == nil {
		err = i.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	go func() {
		defer close(i.done)
		_ = i.cmd.Wait() // its state tells how it ended
	}()
	if err != nil {
		t.Fatalf("%s announced nothing: %v", i.name, err)
	}
	what, addr, ok := boot.Announced(line[:len(line)-1])
	if !ok || what != "admin" {
		t.Fatalf("%s announced %q", i.name, line)
	}
	i.admin = addr
}

func (i *instance) runs() bool {
	if i.cmd == nil {
		return false
	}
	select {
	case <-i.done:
		return false
	default:
		return true
	}
}

func (i *instance) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := i.cmd.Process.Signal(s); err != nil {
		t.Fatalf("signal %s: %v", i.name, err)
	}
}

// kill is SIGKILL: nothing is flushed, and the group is not told.
func (i *instance) kill(t *testing.T) {
	t.Helper()
	i.signal(t, syscall.SIGKILL)
	<-i.done
}

// stop is SIGTERM, as a rolling restart sends it.
func (i *instance) stop(t *testing.T) {
	t.Helper()
	i.signal(t, syscall.SIGTERM)
	if code := i.ended(t); code != 0 {
		t.Errorf("%s ended with %d", i.name, code)
	}
}

// ended waits for the end of the process and returns its exit code.
func (i *instance) ended(t *testing.T) int {
	t.Helper()
	select {
	case <-i.done:
	case <-time.After(waitWithin):
		t.Fatalf("%s goes on after %s", i.name, waitWithin)
	}
	return i.cmd.ProcessState.ExitCode()
}

var nextOffset = regexp.MustCompile(`(?m)^tributary_next_offset\{partition="(\d+)"[^}]*\} (\S+)$`)

// offsets that the instance has committed, by partition that it folds. One that does not answer folds nothing.
func (i *instance) offsets(ctx context.Context) map[int]int64 {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+i.admin+"/metrics", nil)
	if err != nil {
		return nil
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil
	}
	out := map[int]int64{}
	for _, m := range nextOffset.FindAllSubmatch(b, -1) {
		p, perr := strconv.Atoi(string(m[1]))
		next, nerr := strconv.ParseFloat(string(m[2]), 64)
		if errors.Join(perr, nerr) == nil {
			out[p] = int64(next)
		}
	}
	return out
}

// assignment is a line in the log of an instance: what the group gave it.
type assignment struct {
	Message    string  `json:"msg"`
	Generation int32   `json:"generation"`
	Partitions []int32 `json:"partitions"`
}

// assignments that the instance logged, oldest first.
func (i *instance) assignments(t *testing.T) (out []assignment) {
	t.Helper()
	for line := range bytes.Lines([]byte(i.log(t))) {
		var a assignment
		if json.Unmarshal(line, &a) == nil && a.Message == "partitions assigned" {
			slices.Sort(a.Partitions)
			out = append(out, a)
		}
	}
	return out
}

// owner of each partition, as the instances that run tell it; an error while one has none, or two.
func owners(ctx context.Context, instances []*instance, n int) (map[int]string, error) {
	out := map[int]string{}
	for _, i := range instances {
		if !i.runs() {
			continue
		}
		for p := range i.offsets(ctx) {
			if out[p] != "" {
				return nil, fmt.Errorf("%s and %s both fold partition %d", out[p], i.name, p)
			}
			out[p] = i.name
		}
	}
	if len(out) != n {
		return nil, fmt.Errorf("folded are %v of %d partitions", out, n)
	}
	return out, nil
}

// moved are the partitions that have another owner.
func moved(before, after map[int]string) (out []int) {
	for p, was := range before {
		if after[p] != was {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// of are the partitions of one owner.
func of(owners map[int]string, name string) (out []int) {
	for p, who := range owners {
		if who == name {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}
