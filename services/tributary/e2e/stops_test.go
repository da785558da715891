package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/kafka/kafkatest"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/internal/parts"
	"github.com/tributary-data/tributary/services/tributary/lag"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// health is what /readyz says.
type health struct {
	Ready    bool              `json:"ready"`
	Degraded []string          `json:"degraded"`
	Why      map[string]string `json:"why"`
}

func (p pipeline) health(ctx context.Context, service string) (h health, code int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Admin[service]+"/readyz", nil)
	if err != nil {
		return h, 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return h, 0, err
	}
	defer res.Body.Close()
	return h, res.StatusCode, json.NewDecoder(res.Body).Decode(&h)
}

// degraded waits until a service is ready and exactly these parts of it are degraded, and returns why.
func (p pipeline) degraded(t *testing.T, service string, want ...string) map[string]string {
	t.Helper()
	var last health
	err := await(t.Context(), fmt.Sprintf("%s to have %q degraded", service, want), p.Dead(), func(ctx context.Context) (bool, error) {
		h, code, err := p.health(ctx, service)
		last = h
		return code == http.StatusOK && h.Ready && slices.Equal(h.Degraded, want), err
	})
	if err != nil {
		t.Fatalf("%v; degraded are %q, %v", err, last.Degraded, last.Why)
	}
	return last.Why
}

// progress of a stage, as it told its group.
func progress(t *testing.T, c *kafka.Client, s parts.Stage, n int) []kafka.Committed {
	t.Helper()
	said, err := c.Progress(t.Context(), s.Group(), s.Topic, n)
	if err != nil {
		t.Fatal(err)
	}
	return said
}

// say runs the command line and returns what it printed.
func say(t *testing.T, args ...string) string {
	t.Helper()
	out, err := tributary(t, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("tributary %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Ensure that a partition whose log lost records stops alone, says what to do, goes on when that was decided, and marks what it
// may lack; and that a partition is folded again when that is decided.
func TestStops(t *testing.T) {
	skipIfShort(t)
	const n = 12
	t.Setenv("TRIBUTARY_CHECKPOINT_EVERY", "1s")
	dir := t.TempDir()
	p := start(t, stack.Config{Dir: dir, Bin: plain(t), Partitions: n})
	c, err := kafka.NewClient(kafka.Config{Brokers: p.Kafka})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range 60 {
		post(t, p.Ingest, "/v1/page", fmt.Sprintf(`{"anonymousId":"v%d","messageId":"m%d"}`, i, i))
	}
	stages := parts.Stages(0, 0)
	visitor, facts := stages[0], stages[1]
	folded := func(s parts.Stage, offset int64) func(context.Context) (bool, error) {
		return func(ctx context.Context) (bool, error) {
			said, err := c.Progress(ctx, s.Group(), s.Topic, n)
			return err == nil && said[5].Next >= offset, err
		}
	}
	if err := await(t.Context(), "the visitor stage to commit", p.Dead(), folded(visitor, 2)); err != nil {
		t.Fatal(err)
	}
	if !p.Signal("sessionizer", syscall.SIGSTOP) {
		t.Fatal("the sessionizer does not run")
	}
	behind := progress(t, c, visitor, n)[5].Next
	if err := await(t.Context(), "the facts to be ahead", p.Dead(), folded(facts, behind+12)); err != nil {
		t.Fatal(err)
	}
	if err := kafkatest.DeleteRecords(t.Context(), p.Kafka, visitor.Topic, 5, behind+10); err != nil {
		t.Fatal(err)
	}
	p.Signal("sessionizer", syscall.SIGCONT)
	began := time.Now()
	why := p.degraded(t, "sessionizer", "visitor/5")["visitor/5"]
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s to stop", took)
	}
	for _, want := range []string{"events.g0/5 at offset", fmt.Sprintf("the log holds %d to", behind+10), "tributary state accept-gap --stage visitor --partition 5"} {
		if !strings.Contains(why, want) {
			t.Errorf("it says %q, want %q in it", why, want)
		}
	}
	if err := await(t.Context(), "the others to keep up", p.Dead(), func(ctx context.Context) (bool, error) {
		rows, err := lag.Read(ctx, c, stages[:1], time.Now())
		late := slices.DeleteFunc(rows, func(r lag.Row) bool { return r.Partition == 5 || r.Seconds != nil && *r.Seconds < 5 })
		return err == nil && len(late) == 0, err
	}); err != nil {
		t.Error(err)
	}
	checkpoints := "--checkpoints=" + p.Checkpoints
	t.Log(say(t, "state", "accept-gap", checkpoints, "--brokers="+p.Kafka, "--stage=visitor", "--partition=5", "--yes", "--reason=a test"))
	p.degraded(t, "sessionizer")
	expect := func(what, query string, want uint64) {
		t.Helper()
		if err := await(t.Context(), what, p.Dead(), func(ctx context.Context) (bool, error) {
			rows, err := p.db.Select(ctx, query)
			return err == nil && len(rows.Values) == 1 && fmt.Sprint(rows.Values[0][0]) == fmt.Sprint(want), err
		}); err != nil {
			t.Error(err)
		}
	}
	expect("the gap in its view", fmt.Sprintf("SELECT count() FROM bi.gaps WHERE stage = 'visitor' AND partition = 5 AND to_offset = %d AND to_ts >= from_ts AND to_ts > now() - 600", behind+10), 1)
	expect("the windows to be marked", "SELECT min(incomplete) FROM bi.funnel_steps WHERE window_start > now() - 3600", 1)

	shows := func(want string, args ...string) {
		t.Helper()
		if got := say(t, append(args, checkpoints)...); !strings.Contains(got, want) {
			t.Errorf("tributary %s: got\n%s\nwant %q in it", strings.Join(args, " "), got, want)
		}
	}
	shows("without the records from offset", "state", "show", "--stage=visitor", "--partition=5")
	if err := await(t.Context(), "checkpoints", p.Dead(), func(context.Context) (bool, error) {
		found, err := filepath.Glob(filepath.Join(p.Checkpoints, "visitor", "*", "5", "manifest", "*"))
		return len(found) > 0, err
	}); err != nil {
		t.Fatal(err)
	}
	shows("visitor", "state", "ls")
	shows("0 damaged", "state", "verify")
	before := progress(t, c, visitor, n)[4].Next
	t.Log(say(t, "state", "rebuild", checkpoints, "--brokers="+p.Kafka, "--stage=visitor", "--partition=4", "--yes"))
	if err := await(t.Context(), "partition 4 to be folded again", p.Dead(), func(ctx context.Context) (bool, error) {
		found, err := filepath.Glob(filepath.Join(dir, "state", "sessionizer", visitor.Folder(), "4", "rebuilt"))
		said, perr := c.Progress(ctx, visitor.Group(), visitor.Topic, n)
		return len(found) == 1 && perr == nil && said[4].Next > before, err
	}); err != nil {
		t.Error(err)
	}
	expect("60 sessions still", "SELECT count() FROM bi.sessions", 60)
}

// Ensure that a topic that was deleted and made again, and is longer than the old one was, is not folded on.
func TestAnotherTopicOfTheName(t *testing.T) {
	skipIfShort(t)
	p := start(t, stack.Config{Dir: t.TempDir(), Bin: plain(t), Partitions: 2})
	c, err := kafka.NewClient(kafka.Config{Brokers: p.Kafka})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	visitor := parts.Stages(0, 0)[0]
	if err := await(t.Context(), "the visitor stage to commit", p.Dead(), func(ctx context.Context) (bool, error) {
		said, err := c.Progress(ctx, visitor.Group(), visitor.Topic, 2)
		return err == nil && said[0].Next > 2 && said[1].Next > 2, err
	}); err != nil {
		t.Fatal(err)
	}
	if err := kafkatest.DeleteTopic(t.Context(), p.Kafka, visitor.Topic); err != nil {
		t.Fatal(err)
	}
	if err := c.EnsureTopics(t.Context(), []kafka.Topic{{Name: schemas.TopicEvents(0), Partitions: 2, AppendTime: true}}, 1); err != nil {
		t.Fatal(err)
	}
	for range 40 { // longer than the old one
		post(t, p.Ingest, "/v1/page", `{"anonymousId":"another","messageId":"a"}`)
	}
	for _, why := range p.degraded(t, "sessionizer", "visitor/0", "visitor/1") {
		if !strings.Contains(why, "was deleted and made again") || !strings.Contains(why, "a new TRIBUTARY_GENERATION") {
			t.Errorf("it says %q", why)
		}
	}
	p.degraded(t, "aggregator", "events/0", "events/1")
	rows, err := p.db.Select(t.Context(), "SELECT count() FROM bi.events WHERE visitor = 'another'")
	if err != nil || fmt.Sprint(rows.Values[0][0]) != "0" {
		t.Errorf("of the new topic %v events are in the tables, %v", rows.Values, err)
	}
}
