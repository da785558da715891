package collect

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// bodies are reused from request to request: what is published is encoded into memory of its own.
var bodies = sync.Pool{New: func() any { b := make([]byte, 0, 64<<10); return &b }}

// readBody reads and inflates a request's body into buf.
func readBody(r *http.Request, buf []byte) ([]byte, error) {
	src := io.Reader(http.MaxBytesReader(nil, r.Body, MaxBody))
	switch r.Header.Get("Content-Encoding") {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(src)
		if err != nil {
			return buf, fail(http.StatusBadRequest, "the body is not gzip, as Content-Encoding says: %v", err)
		}
		src = z
	default:
		return buf, fail(http.StatusUnsupportedMediaType, "Content-Encoding %q is not supported: send gzip or none", r.Header.Get("Content-Encoding"))
	}
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		var tooLarge *http.MaxBytesError
		switch {
		case len(buf) > MaxBody || errors.As(err, &tooLarge):
			return buf, fail(http.StatusBadRequest, "the body is larger than %d bytes after decompression: send smaller batches", MaxBody)
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return buf, fail(http.StatusBadRequest, "the body ends early: %v", err)
		}
	}
}

// answer writes the status and, for people, why.
func answer(w http.ResponseWriter, r *http.Request, status int, err error) {
	allowOrigin(w, r)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err == nil {
		_, _ = io.WriteString(w, `{"success":true}`)
		return
	}
	body, _ := json.Marshal(map[string]any{"success": false, "error": err.Error()}) // strings always encode
	_, _ = w.Write(body)                                                            // a client that is gone needs no answer
}

func allowOrigin(w http.ResponseWriter, r *http.Request) {
	if origin := r.Header.Get("Origin"); origin != "" {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Allow-Credentials", "true")
		w.Header().Add("Vary", "Origin")
	}
}

// preflight lets browsers send authorization and content types other than plain text.
func preflight(w http.ResponseWriter, r *http.Request) {
	allowOrigin(w, r)
	w.Header().Set("Access-Control-Allow-Methods", "POST, OPTIONS")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Retry-Count")
	w.Header().Set("Access-Control-Max-Age", "3600")
	w.WriteHeader(http.StatusNoContent)
}

// settings is what the browser SDK asks for before it starts.
func (h *Handler) settings(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	if h.config.Stores[key] == nil {
		answer(w, r, http.StatusNotFound, fail(http.StatusNotFound, "unknown write key"))
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
