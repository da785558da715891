package mistakes_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// mistake is one row of the table.
type mistake struct {
	// name says what the stranger did.
	name string
	// call is the program and its arguments; $names stand for what the world has (see world).
	call []string
	// set are environment variables, NAME=value; one without a value is unset.
	set []string
	// prepare makes files or servers that only this mistake needs; it returns further $names. May be nil.
	prepare func(t *testing.T, dir string) map[string]string
	// says is a part of the one sentence.
	says string
	// exit is the exit code.
	exit int
	// waits is for services that go on: they say what they wait for, and end with 0 when they are asked to.
	waits bool
	// as is the user that makes the mistake; 0 is who runs the test.
	as uint32
}

// within is how soon the sentence must be there.
const within = 9 * time.Second

// advice are the words of which one must be in each sentence: it says what to do.
var advice = regexp.MustCompile(`\b(set|start|stop|use|choose|free|create|install|run|check|see|build|change|put|grant|remove|did you mean|expected|must be|needs|apply|take|restore)\b`)

// noise is what no person wants to read.
var noise = regexp.MustCompile(`goroutine \d|exit status|panic:|runtime error|kafka\.\(\*Client\)|sendQuery|\{"`)

// line is one of a service's log.
type line struct{ Level, Msg, Error string }

// output collects what a program says, and tells of each change.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	select {
	case o.changed <- struct{}{}:
	default: // there is news already
	}
	return len(p), nil
}

// messages are the sentences so far: what a program says under its name, and warnings and errors of a service's log.
func (o *output) messages(program string) (out []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for text := range strings.Lines(o.text.String()) {
		var l line
		switch after, named := strings.CutPrefix(strings.TrimSpace(text), program+": "); {
		case named:
			out = append(out, after)
		case json.Unmarshal([]byte(text), &l) == nil && (l.Level == "error" || l.Level == "warn"):
			out = append(out, strings.TrimSpace(l.Msg+": "+l.Error))
		case noise.MatchString(text) && l.Level == "":
			out = append(out, text) // whoever wrote it, a person reads it
		}
	}
	return out
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// check makes the mistake, and compares what the program says, how it ends, and what it leaves.
func (m mistake) check(t *testing.T, w world) {
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // for mistakes of another user
		t.Fatal(err)
	}
	names := map[string]string{"dir": filepath.Join(dir, "new"), "tmp": dir}
	if m.prepare != nil {
		for k, v := range m.prepare(t, dir) {
			names[k] = v
		}
	}
	expand := func(s string) string {
		return os.Expand(s, func(k string) string {
			if v, ok := names[k]; ok {
				return v
			}
			v, ok := w[k]
			if !ok {
				t.Fatalf("the world has no $%s", k)
			}
			return v
		})
	}
	m.says = expand(m.says)
	program := m.call[0]
	cmd := exec.Command(filepath.Join(programs, program))
	if at, ok := names["programs"]; ok {
		cmd = exec.Command(filepath.Join(at, program))
	}
	for _, a := range m.call[1:] {
		cmd.Args = append(cmd.Args, expand(a))
	}
	home := filepath.Join(dir, "home")
	cmd.Env = environment(w, home, m.set, expand)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if m.as != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: m.as, Gid: m.as}
	}
	out := &output{changed: make(chan struct{}, 1)}
	cmd.Stderr = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	code := m.end(t, cmd, out)
	if code != m.exit {
		t.Errorf("exit code %d, want %d", code, m.exit)
	}
	m.judge(t, out.messages(program))
	for _, left := range running(t, home) {
		t.Errorf("left running: %s", left)
	}
	if _, err := os.Lstat(names["dir"]); err == nil {
		t.Errorf("left the folder %s", names["dir"])
	}
	if t.Failed() {
		t.Logf("it said:\n%s", out)
	}
}

// end waits for the end, or for the sentence of a program that waits, and returns the exit code.
func (m mistake) end(t *testing.T, cmd *exec.Cmd, out *output) int {
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	limit := time.NewTimer(within)
	defer limit.Stop()
	for {
		select {
		case <-done:
			return cmd.ProcessState.ExitCode()
		case <-out.changed:
			if m.waits && strings.Contains(strings.Join(out.messages(m.call[0]), "\n"), m.says) {
				m.waits = false
				_ = cmd.Process.Signal(syscall.SIGTERM) // gone already is noticed by its exit code
			}
		case <-limit.C:
			t.Errorf("said nothing of it within %s", within)
			_ = cmd.Process.Signal(syscall.SIGTERM)
			select {
			case <-done:
			case <-time.After(within):
				_ = cmd.Process.Kill()
				<-done
			}
			return cmd.ProcessState.ExitCode()
		}
	}
}

// judge holds what was said to the rules.
func (m mistake) judge(t *testing.T, said []string) {
	if len(said) != 1 {
		t.Errorf("said %d sentences, want one: %q", len(said), said)
	}
	for _, s := range said {
		switch {
		case !strings.Contains(s, m.says):
			t.Errorf("said %q, want something with %q", s, m.says)
		case !advice.MatchString(s):
			t.Errorf("%q does not say what to do", s)
		case noise.MatchString(s):
			t.Errorf("%q is not for a person", s)
		case len(s) > 400:
			t.Errorf("%q is %d characters long", s, len(s))
		}
	}
}

// environment is a stranger's: nothing of ours is set but what keeps tests apart.
func environment(w world, home string, set []string, expand func(string) string) []string {
	all := map[string]string{"PATH": os.Getenv("PATH"), "HOME": home, "TRIBUTARY_ENGINE": w["engine"], "TRIBUTARY_ADDR": "127.0.0.1:0",
		"TRIBUTARY_ADMIN_ADDR": "127.0.0.1:0", "TRIBUTARY_KAFKA_BROKERS": w["kafka"], "TRIBUTARY_CLICKHOUSE_ADDR": w["clickhouse"], "MISTAKE": home}
	for _, s := range set {
		k, v, ok := strings.Cut(s, "=")
		if all[k] = expand(v); !ok {
			delete(all, k)
		}
	}
	var out []string
	for k, v := range all {
		out = append(out, k+"="+v)
	}
	return out
}

// running lists the processes of one mistake, known by its mark in their environment (proc(5)); elsewhere than on Linux none.
func running(t *testing.T, mark string) (out []string) {
	t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if b, err := os.ReadFile(f); err == nil && bytes.Contains(b, []byte("MISTAKE="+mark+"\x00")) { // others may be gone by now
			out = append(out, filepath.Dir(f))
		}
	}
	return out
}
