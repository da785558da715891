package e2e_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/services/internal/boot"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// second is another instance of a service beside the stack's own.
type second struct {
	cmd   *exec.Cmd
	admin string
}

// join starts a second instance that shares the work, and waits until it has committed something of a partition.
func join(t *testing.T, p pipeline, name string) second {
	t.Helper()
	cmd := exec.Command(filepath.Join(plain(t), name))
	cmd.Env = append(os.Environ(), "TRIBUTARY_KAFKA_BROKERS="+p.Kafka, "TRIBUTARY_CLICKHOUSE_ADDR="+p.ClickHouse,
		"TRIBUTARY_ADMIN_ADDR=127.0.0.1:0", "TRIBUTARY_STATE_DIR="+t.TempDir(), "TRIBUTARY_CHECKPOINTS="+p.Checkpoints, "TRIBUTARY_OWNERSHIP=group")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	s := second{cmd: cmd}
	t.Cleanup(s.kill)
	b := make([]byte, 4096)
	n, err := out.Read(b)
	if err != nil {
		t.Fatalf("%s announced nothing: %v", name, err)
	}
	what, addr, ok := boot.Announced(strings.SplitN(string(b[:n]), "\n", 2)[0])
	if !ok || what != "admin" {
		t.Fatalf("%s announced %q", name, b[:n])
	}
	s.admin = addr
	if err := await(t.Context(), "the second "+name+" to commit", p.Dead(), s.works); err != nil {
		t.Fatal(err)
	}
	return s
}

var committed = regexp.MustCompile(`(?m)^tributary_commits_total\{[^}]*\} [1-9]`)

// works tells whether the instance has committed something.
func (s second) works(ctx context.Context) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.admin+"/metrics", nil)
	if err != nil {
		return false, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return committed.Match(b), err
}

// kill is SIGKILL: nothing is flushed, and the group is not told.
func (s second) kill() {
	_ = s.cmd.Process.Kill() // dead already is fine
	_ = s.cmd.Wait()
}

// shared plays the script with two instances of sessionizer and aggregator, of which one each is killed in the middle, and
// returns what the views hold in the end.
func shared(t *testing.T) content {
	t.Helper()
	t.Setenv("TRIBUTARY_KAFKA_HEARTBEAT", "100ms")
	t.Setenv("TRIBUTARY_KAFKA_SESSION_TIMEOUT", "6s")
	p := start(t, stack.Config{Dir: t.TempDir(), Bin: plain(t), Partitions: 2, Driven: true, Ownership: "group"})
	defer p.stop(t)
	var others []second
	for i := range batches {
		if i == batches/2 {
			for _, o := range others {
				o.kill()
			}
		}
		if err := p.play(t, i); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			others = []second{join(t, p, "sessionizer"), join(t, p, "aggregator")}
		}
	}
	return p.finish(t)
}
