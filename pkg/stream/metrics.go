package stream

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of a stage's loops. Nil counts nothing.
type Metrics struct {
	next, behind, halted *prometheus.GaugeVec
	commits              *prometheus.CounterVec
}

// NewMetrics registers the metrics of a stage.
func NewMetrics(r prometheus.Registerer, stage string) *Metrics {
	labels := prometheus.Labels{"stage": stage}
	m := &Metrics{
		next:    prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tributary_next_offset", Help: "Offset that the state continues from.", ConstLabels: labels}, []string{"partition"}),
		behind:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tributary_lag_records", Help: "Records between the state and the end of the log, as of the last fetch.", ConstLabels: labels}, []string{"partition"}),
		halted:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tributary_partition_stopped", Help: "1 while the partition does not fold, with the reason (README, When a partition stops), else 0.", ConstLabels: labels}, []string{"partition", "reason"}),
		commits: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tributary_commits_total", Help: "Commits of state and next offset.", ConstLabels: labels}, []string{"partition"}),
	}
	r.MustRegister(m.next, m.behind, m.halted, m.commits)
	return m
}

// progress is told of each commit of a partition whose state is at from.
func (m *Metrics) progress(partition int32, from int64) func(Progress) {
	if m == nil {
		return func(Progress) {}
	}
	p := name(partition)
	next, behind, commits := m.next.WithLabelValues(p), m.behind.WithLabelValues(p), m.commits.WithLabelValues(p)
	next.Set(float64(from)) // true before the first commit too
	return func(g Progress) {
		next.Set(float64(g.Next))
		behind.Set(float64(max(0, g.HighWatermark-g.Next)))
		commits.Inc()
	}
}

// stopped and going say whether a partition folds.
func (m *Metrics) stopped(partition int32, err error) {
	if m == nil {
		return
	}
	reason := "failed"
	if h := HaltOf(err); h != nil {
		reason = string(h.Reason)
	}
	m.halted.DeletePartialMatch(prometheus.Labels{"partition": name(partition)})
	m.halted.WithLabelValues(name(partition), reason).Set(1)
}

func (m *Metrics) going(partition int32) {
	if m != nil {
		m.halted.DeletePartialMatch(prometheus.Labels{"partition": name(partition)})
		m.halted.WithLabelValues(name(partition), "").Set(0)
	}
}

// gone drops a partition that somebody else folds now.
func (m *Metrics) gone(partition int32) {
	if m == nil {
		return
	}
	only := prometheus.Labels{"partition": name(partition)}
	for _, v := range []*prometheus.GaugeVec{m.next, m.behind, m.halted} {
		v.DeletePartialMatch(only)
	}
}

func name(partition int32) string { return strconv.Itoa(int(partition)) }
