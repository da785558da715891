package stack

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// CPU is the processor time of each process so far, by name.
func (s *Stack) CPU() map[string]time.Duration {
	out := map[string]time.Duration{}
	for _, m := range s.members {
		if d, err := m.cpu(); err == nil { // no such figure on this system: none is shown
			out[m.name] = d
		}
	}
	return out
}

// Memory is the most that each process had at once so far, in bytes, by name, and this process among them. The peaks need not
// have been at the same time: their sum is a bound.
func (s *Stack) Memory() map[string]int64 {
	out := map[string]int64{}
	for _, m := range s.members {
		if n, err := peakOf(m.current().cmd.Process.Pid); err == nil { // as for CPU
			out[m.name] = n
		}
	}
	if n, err := peakOf(os.Getpid()); err == nil {
		out["tributary"] = n
	}
	return out
}

// ticksPerSecond of /proc times: USER_HZ, which is 100 on every Linux that Go runs on.
const ticksPerSecond = 100

// cpuOf is the user and system time of a process (proc(5), fields 14 and 15 of stat). Linux only.
func cpuOf(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	_, rest, _ := strings.Cut(string(b), ") ") // the name may hold spaces
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0, fmt.Errorf("read processor time: %d fields", len(f))
	}
	var ticks int64
	for _, s := range f[11:13] {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read processor time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// peakOf is the most memory that a process has had at once, in bytes (proc(5), VmHWM of status). Linux only.
func peakOf(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	_, rest, found := strings.Cut(string(b), "VmHWM:")
	if !found {
		return 0, fmt.Errorf("read memory: no VmHWM for process %d", pid)
	}
	line, _, _ := strings.Cut(rest, "\n")
	kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(line, "kB")), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	return kb << 10, nil
}
