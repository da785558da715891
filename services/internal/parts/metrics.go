package parts

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of a stage's checkpoints. Nil counts nothing.
type Metrics struct {
	bytes, failed *prometheus.CounterVec
	last          *prometheus.GaugeVec
}

// NewMetrics registers the metrics of a stage.
func NewMetrics(r prometheus.Registerer, stage string) *Metrics {
	labels := prometheus.Labels{"stage": stage}
	m := &Metrics{
		bytes:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tributary_checkpoint_bytes_total", Help: "Bytes uploaded as checkpoints.", ConstLabels: labels}, []string{"partition"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tributary_checkpoint_failures_total", Help: "Checkpoints that could not be uploaded.", ConstLabels: labels}, []string{"partition"}),
		last:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tributary_checkpoint_time_seconds", Help: "When the last checkpoint was uploaded, Unix seconds.", ConstLabels: labels}, []string{"partition"}),
	}
	r.MustRegister(m.bytes, m.failed, m.last)
	return m
}

func (m *Metrics) uploaded(partition int32, bytes int64, err error) {
	if m == nil {
		return
	}
	p := strconv.Itoa(int(partition))
	m.bytes.WithLabelValues(p).Add(float64(bytes))
	if err != nil {
		m.failed.WithLabelValues(p).Inc()
		return
	}
	m.last.WithLabelValues(p).SetToCurrentTime()
}
