package collect

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tributary-data/tributary/pkg/event"
)

// Why a pixel was lost: its answer cannot tell.
const (
	lostUnknownKey = "unknown_key"
	lostBroken     = "broken"
	lostBusy       = "busy"
)

// Metrics of the edge.
type Metrics struct {
	requests *prometheus.CounterVec
	good     prometheus.Counter // requests with status 200
	events   prometheus.Counter
	dead     *prometheus.CounterVec
	pixels   *prometheus.CounterVec
}

// NewMetrics registers the metrics; r may be nil.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tributary_ingest_requests_total", Help: "Requests answered, by status."}, []string{"status"}),
		events:   prometheus.NewCounter(prometheus.CounterOpts{Name: "tributary_ingest_events_total", Help: "Events that passed validation."}),
		dead:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tributary_ingest_dead_letters_total", Help: "Events refused to dead-letters, by reason."}, []string{"reason"}),
		pixels:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tributary_ingest_pixels_lost_total", Help: "Pixels that left no record although they were answered, by reason."}, []string{"reason"}),
	}
	for _, s := range []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusServiceUnavailable} {
		m.requests.WithLabelValues(strconv.Itoa(s)) // from the start: a rate does not see the step from nothing to 1
	}
	m.good = m.requests.WithLabelValues(strconv.Itoa(http.StatusOK))
	for _, reason := range event.Reasons() {
		m.dead.WithLabelValues(string(reason))
	}
	for _, reason := range []string{lostUnknownKey, lostBroken, lostBusy} {
		m.pixels.WithLabelValues(reason)
	}
	if r != nil {
		r.MustRegister(m.requests, m.events, m.dead, m.pixels)
	}
	return m
}

func (m *Metrics) answered(status int) {
	if status == http.StatusOK {
		m.good.Inc()
		return
	}
	m.requests.WithLabelValues(strconv.Itoa(status)).Inc()
}

func (m *Metrics) taken(n int)                 { m.events.Add(float64(n)) }
func (m *Metrics) refused(reason event.Reason) { m.dead.WithLabelValues(string(reason)).Inc() }
func (m *Metrics) pixelLost(reason string)     { m.pixels.WithLabelValues(reason).Inc() }
