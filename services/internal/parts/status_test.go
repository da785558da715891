package parts_test

import (
	"net/http/httptest"

	"github.com/tributary-data/tributary/pkg/obs"
)

// status is what /readyz answers.
func status(h *obs.Health) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	return w.Code, w.Body.String()
}
