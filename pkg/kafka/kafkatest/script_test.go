package kafkatest_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/kafka/kafkatest"
)

const script = "../../../scripts/kafka"

// program writes a small program into a folder of programs.
func program(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// Ensure that what is missing or wrong is said in one sentence, and that a download which failed leaves nothing behind.
func TestScriptSays(t *testing.T) {
	const java17, java11 = `echo 'openjdk version "17.0.1" 2021-10-19' >&2`, `echo 'openjdk version "11.0.1"' >&2`
	for name, c := range map[string]struct {
		java, mvn string
		args      []string
		says      string
	}{
		"no Java":       {args: []string{"fetch"}, says: "kafka: Java is missing: install"},
		"old Java":      {java: java11, args: []string{"fetch"}, says: "kafka: Java 11 is too old: install 17"},
		"Java 8":        {java: `echo 'java version "1.8.0_1"' >&2`, args: []string{"fetch"}, says: "kafka: Java 8 is too old"},
		"no Maven":      {java: java17, args: []string{"fetch"}, says: "kafka: Maven is missing: install"},
		"no network":    {java: java17, mvn: "echo '[ERROR] unknown host'; mkdir libs; exit 1", args: []string{"fetch"}, says: "[ERROR] unknown host\nkafka: Maven did not fetch"},
		"half a fetch":  {java: java17, mvn: "mkdir libs", args: []string{"fetch"}, says: "but no kafka_2.13-" + kafkatest.Version + ".jar"},
		"no version":    {args: []string{"fetch", "--version"}, says: "--version needs a version"},
		"wrong version": {args: []string{"fetch", "--version=../x"}, says: "is no version of Apache Kafka"},
		"strange flag":  {java: java17, args: []string{"fetch", "--nodes"}, says: "fetch takes --version only, not --nodes"},
		"no Go":         {java: java17, args: []string{"run"}, says: "kafka: Go is missing"},
		"no verb":       {says: "./scripts/kafka run [flags]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bin, cache := t.TempDir(), t.TempDir()
			for _, tool := range []string{"bash", "sh", "dirname", "sed", "head", "mkdir", "mktemp", "rm", "cat", "grep", "mv", "chmod"} {
				path, err := exec.LookPath(tool)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
					t.Fatal(err)
				}
			}
			if c.java != "" {
				program(t, bin, "java", c.java)
			}
			if c.mvn != "" {
				program(t, bin, "mvn", c.mvn)
			}
			cmd := exec.Command(script, c.args...)
			cmd.Env = []string{"PATH=" + bin, "HOME=" + cache, "XDG_CACHE_HOME=" + cache}
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || !strings.Contains(string(out), c.says) {
				t.Errorf("%v: %s\nexpected %q", err, out, c.says)
			}
			if left, err := filepath.Glob(cache + "/tributary/.??*"); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			if _, err := os.Stat(cache + "/tributary/kafka-" + kafkatest.Version); err == nil {
				t.Error("the cache has a folder of that version")
			}
		})
	}
}

// announced is the line of run --json.
type announced struct {
	Brokers string
	PIDs    []int
}

// run starts the script by way of another program, and waits for its line.
func run(t *testing.T, name string, args ...string) (*exec.Cmd, announced) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir()) // who is killed leaves its folder behind
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it may have ended
	var a announced
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&a); err != nil || len(a.PIDs) != 1 {
		t.Fatalf("%v, %v", a, err)
	}
	return cmd, a
}

// gone waits until a process is no more.
func gone(t *testing.T, pid int) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for syscall.Kill(pid, 0) == nil {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatalf("process %d still runs", pid)
		}
	}
}

// Ensure that the script's broker serves, and that no process of it is left, whoever is told to end.
func TestScriptRun(t *testing.T) {
	kafkatest.Need(t)
	for name, c := range map[string]struct {
		signal syscall.Signal
		call   []string
	}{
		"SIGTERM":       {syscall.SIGTERM, []string{script, "run", "--json"}},
		"SIGINT":        {syscall.SIGINT, []string{script, "run", "--json"}},
		"SIGKILL":       {syscall.SIGKILL, []string{script, "run", "--json"}},
		"caller killed": {syscall.SIGKILL, []string{"sh", "-c", script + " run --json; exit"}},
	} {
		t.Run(name, func(t *testing.T) {
			cmd, a := run(t, c.call[0], c.call[1:]...)
			client, err := kafka.NewClient(kafka.Config{Brokers: a.Brokers})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if err := client.EnsureTopics(t.Context(), []kafka.Topic{{Name: "x", Partitions: 1}}, 1); err != nil {
				t.Error(err)
			}
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			gone(t, a.PIDs[0])
			if err := cmd.Wait(); c.signal != syscall.SIGKILL && err != nil {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}
