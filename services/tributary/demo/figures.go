package demo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// figures of a run, for people and machines.
type figures struct {
	Events       int                `json:"events"`
	PerSecond    float64            `json:"events_per_second"`
	Requests     int                `json:"requests"`
	PlaySeconds  float64            `json:"play_seconds"`
	FirstFunnel  float64            `json:"first_funnel_seconds"`
	TotalSeconds float64            `json:"total_seconds"`
	CPUMicros    map[string]float64 `json:"cpu_us_per_event"`
	// MemoryMB is each process's peak, and MemoryAll their sum.
	MemoryMB  map[string]int64 `json:"peak_memory_mb"`
	MemoryAll int64            `json:"peak_memory_all_mb"`
}

func (r *runner) figures() figures {
	f := figures{Events: r.result.Acked, Requests: r.result.Requests, PlaySeconds: r.result.Elapsed.Seconds(),
		FirstFunnel: r.firstFunnel.Seconds(), TotalSeconds: time.Since(r.began).Seconds(), CPUMicros: map[string]float64{}, MemoryMB: map[string]int64{}}
	f.PerSecond = float64(f.Events) / max(f.PlaySeconds, 1e-9)
	for name, d := range r.stack.CPU() {
		f.CPUMicros[name] = float64(d.Microseconds()) / float64(max(1, f.Events))
	}
	for name, n := range r.stack.Memory() {
		f.MemoryMB[name] = n >> 20
		f.MemoryAll += n >> 20
	}
	return f
}

// String is one paragraph.
func (f figures) String() string {
	var cpu []string
	for _, name := range slices.Sorted(maps.Keys(f.CPUMicros)) {
		cpu = append(cpu, fmt.Sprintf("%s %.0f", name, f.CPUMicros[name]))
	}
	memory := ""
	if f.MemoryAll > 0 { // known on Linux only
		memory = fmt.Sprintf("; at most %d MB of memory in all", f.MemoryAll)
	}
	return fmt.Sprintf("%d events in %d requests, %.0f events/s; first funnel after %.1f s, all done after %.1f s; CPU µs per event, start included: %s%s",
		f.Events, f.Requests, f.PerSecond, f.FirstFunnel, f.TotalSeconds, strings.Join(cpu, ", "), memory)
}
