package kafkatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// Version of Apache Kafka that the tests run on. scripts/kafka reads it from here.
const Version = "4.2.2"

// ErrMissing says that Apache Kafka or its Java is not on this machine.
var ErrMissing = errors.New("run ./scripts/kafka fetch, which says what it needs")

// distribution is an Apache Kafka in the cache of this machine.
type distribution struct {
	dir  string // holds libs and what is prepared
	java string // the program
}

// find looks for what scripts/kafka has fetched.
func find(ctx context.Context, version string) (distribution, error) {
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return distribution{}, fmt.Errorf("look for Apache Kafka: %w", err)
		}
		cache = filepath.Join(home, ".cache")
	}
	d := distribution{dir: filepath.Join(cache, "tributary", "kafka-"+version), java: "java"}
	if _, err := os.Stat(d.libs()); err != nil {
		return d, fmt.Errorf("no Apache Kafka %s on this machine: %w", version, ErrMissing)
	}
	if home := os.Getenv("JAVA_HOME"); home != "" {
		d.java = filepath.Join(home, "bin", "java")
	}
	out, err := exec.CommandContext(ctx, d.java, "-version").CombinedOutput()
	if err != nil {
		return d, fmt.Errorf("no Java on this machine: %w", ErrMissing)
	}
	if m := javaVersion.FindSubmatch(out); m != nil {
		if major, _ := strconv.Atoi(string(m[1])); major >= 17 {
			return d, nil
		}
	}
	line, _, _ := bytes.Cut(out, []byte("\n"))
	return d, fmt.Errorf("%s is too old for Apache Kafka, 17 is needed: %w", line, ErrMissing)
}

var javaVersion = regexp.MustCompile(`version "(\d+)`)

func (d distribution) libs() string { return filepath.Join(d.dir, "libs") }

// archive of loaded classes; it need not exist.
func (d distribution) archive() string { return filepath.Join(d.dir, "classes.jsa") }

// command runs one of Kafka's classes.
func (d distribution) command(flags []string, class string, args ...string) *exec.Cmd {
	all := append([]string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xmx256m", "-Xshare:auto"}, flags...)
	all = append(all, "-cp", filepath.Join(d.libs(), "*"), class)
	return exec.Command(d.java, append(all, args...)...)
}
