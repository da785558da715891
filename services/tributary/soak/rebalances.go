package soak

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// generation of a consumer group.
type generation struct {
	group string
	n     int32
}

// marks are how long the logs are at a moment, by path.
type marks map[string]int64

// logsOf the stateful services.
func logsOf(dir string) ([]string, error) {
	all, err := filepath.Glob(filepath.Join(dir, "*.log"))
	var out []string
	for _, path := range all {
		if name := filepath.Base(path); strings.HasPrefix(name, sessionizer+"-") || strings.HasPrefix(name, aggregator+"-") {
			out = append(out, path)
		}
	}
	return out, err
}

// mark notes how long the logs are now.
func mark(dir string) (marks, error) {
	paths, err := logsOf(dir)
	out := marks{}
	for _, path := range paths {
		info, serr := os.Stat(path)
		if serr != nil {
			return nil, fmt.Errorf("look at a log: %w", serr)
		}
		out[path] = info.Size()
	}
	return out, err
}

// rebalances counts the generations of groups that members tell of only after the marks.
func rebalances(dir string, from marks) (int, error) {
	paths, err := logsOf(dir)
	before, after := map[generation]bool{}, map[generation]bool{}
	for _, path := range paths {
		f, oerr := os.Open(path)
		if oerr != nil {
			return 0, fmt.Errorf("read a log: %w", oerr)
		}
		err = errors.Join(err, generations(f, from[path], before, after), f.Close())
	}
	n := 0
	for g := range after {
		if !before[g] {
			n++
		}
	}
	return n, err
}

// generations reads a log: those told of in its first bytes go to before, the others to after.
func generations(log io.Reader, first int64, before, after map[generation]bool) error {
	at, lines := int64(0), bufio.NewReader(log)
	for {
		text, err := lines.ReadBytes('\n')
		var line struct {
			Msg        string
			Group      string
			Generation int32
		}
		if strings.Contains(string(text), `"partitions assigned"`) && json.Unmarshal(text, &line) == nil {
			set := after
			if at < first {
				set = before
			}
			set[generation{line.Group, line.Generation}] = true
		}
		at += int64(len(text))
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a log: %w", err)
		}
	}
}
