package obs

import (
	"encoding/json"
	"net/http"
	"sort"
	"sync"
)

// Health tells whether a service can do its work. The zero value is ready; it is safe for concurrent use.
type Health struct {
	mu       sync.Mutex
	waiting  map[string]string
	degraded map[string]string
}

// Ready says that the named part works.
func (h *Health) Ready(part string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.waiting, part)
}

// Unready says why the named part does not work. It is true if the part worked before.
func (h *Health) Unready(part, why string) (news bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == nil {
		h.waiting = map[string]string{}
	}
	_, known := h.waiting[part]
	h.waiting[part] = why
	return !known
}

// Degrade says that a part is out of service and why, while the rest does its work: the service stays ready. It is true if that
// is news.
func (h *Health) Degrade(part, why string) (news bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.degraded == nil {
		h.degraded = map[string]string{}
	}
	news = h.degraded[part] != why
	h.degraded[part] = why
	return news
}

// Mended says that a degraded part works again. It is true if that is news.
func (h *Health) Mended(part string) (news bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, news = h.degraded[part]
	delete(h.degraded, part)
	return news
}

// IsReady tells whether every part works.
func (h *Health) IsReady() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.waiting) == 0
}

// ServeHTTP answers /readyz: 200, or 503 with what is waited for. Degraded parts are named either way: nothing is mended by
// sending the service no traffic, or by starting it again.
func (h *Health) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h.mu.Lock()
	reasons := make([]string, 0, len(h.waiting))
	for part, why := range h.waiting {
		reasons = append(reasons, part+": "+why)
	}
	degraded, why := make([]string, 0, len(h.degraded)), map[string]string{}
	for part, reason := range h.degraded {
		degraded, why[part] = append(degraded, part), reason
	}
	h.mu.Unlock()
	sort.Strings(reasons)
	sort.Strings(degraded)
	w.Header().Set("Content-Type", "application/json")
	if len(reasons) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"ready": len(reasons) == 0, "waiting": reasons, "degraded": degraded, "why": why}) // a client that is gone needs no answer
}
