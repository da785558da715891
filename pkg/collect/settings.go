package collect

import (
	"encoding/json"
	"errors"
	"net/http"
)

// settings is what the browser SDK asks for before it starts.
func (h *Handler) settings(w http.ResponseWriter, r *http.Request, key string) {
	if h.config.Stores[key] == nil {
		h.refuse(w, r, fail(http.StatusNotFound, "unknown write key"))
		return
	}
	enabled := map[string]any{"__default": map[string]any{"enabled": true}}
	body, err := json.Marshal(map[string]any{
		"integrations": map[string]any{"Segment.io": map[string]any{"apiKey": key, "apiHost": r.Host + "/v1",
			"versionSettings": map[string]any{"version": "4.4.7", "componentTypes": []string{"browser"}}}},
		"plan":                 map[string]any{"track": enabled, "identify": enabled, "group": enabled},
		"analyticsNextEnabled": true,
	})
	if err != nil {
		answer(w, r, http.StatusInternalServerError, errors.New("settings cannot be encoded"))
		return
	}
	allowOrigin(w, r)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	_, _ = w.Write(body)
}
