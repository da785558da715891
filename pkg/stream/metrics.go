package stream

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of a stage's loops.
type Metrics struct {
	stage        string
	next, behind *prometheus.GaugeVec
	commits      *prometheus.CounterVec
}

// NewMetrics registers the metrics of a stage.
func NewMetrics(r prometheus.Registerer, stage string) *Metrics {
	labels := prometheus.Labels{"stage": stage}
	m := &Metrics{stage: stage,
		next:    prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tributary_next_offset", Help: "Offset that the state continues from.", ConstLabels: labels}, []string{"partition"}),
		behind:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tributary_lag_records", Help: "Records between the state and the end of the log, as of the last fetch.", ConstLabels: labels}, []string{"partition"}),
		commits: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tributary_commits_total", Help: "Commits of state and next offset.", ConstLabels: labels}, []string{"partition"}),
	}
	r.MustRegister(m.next, m.behind, m.commits)
	return m
}

// progress is told of each commit of a partition whose state is at from; without metrics it is nobody.
func (m *Metrics) progress(partition int32, from int64) func(next, highWatermark int64) {
	if m == nil {
		return nil
	}
	p := strconv.Itoa(int(partition))
	next, behind, commits := m.next.WithLabelValues(p), m.behind.WithLabelValues(p), m.commits.WithLabelValues(p)
	next.Set(float64(from)) // true before the first commit too
	return func(n, high int64) {
		next.Set(float64(n))
		behind.Set(float64(max(0, high-n)))
		commits.Inc()
	}
}
