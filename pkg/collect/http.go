package collect

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// inflaters are used again: each has windows of its own.
var inflaters = sync.Pool{New: func() any { return new(gzip.Reader) }}

// readBody reads and inflates a request's body into buf.
func readBody(r *http.Request, buf []byte) ([]byte, error) {
	switch r.Header.Get("Content-Encoding") {
	case "", "identity":
		if r.ContentLength > MaxBody {
			return buf, errTooLarge()
		}
		return readAll(r.Body, buf)
	case "gzip":
	default:
		return buf, fail(http.StatusUnsupportedMediaType, "Content-Encoding %q is not supported: send gzip or none", r.Header.Get("Content-Encoding"))
	}
	z := inflaters.Get().(*gzip.Reader)
	defer inflaters.Put(z)
	// A compressed body may not be larger than what may come out of it: one that is only headers would never end.
	if err := z.Reset(http.MaxBytesReader(nil, r.Body, MaxBody)); err != nil {
		return buf, fail(http.StatusBadRequest, "the body is not gzip, as Content-Encoding says: %v", err)
	}
	return readAll(z, buf)
}

// readAll reads src into buf, which grows as far as the limit.
func readAll(src io.Reader, buf []byte) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > MaxBody || tooLarge(err):
			return buf, errTooLarge()
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return buf, fail(http.StatusBadRequest, "the body ends early: %v", err)
		}
	}
}

func errTooLarge() error {
	return fail(http.StatusBadRequest, "the body is larger than %d bytes after decompression: send smaller batches", MaxBody)
}

func tooLarge(err error) bool {
	if err == nil {
		return false
	}
	var e *http.MaxBytesError
	return errors.As(err, &e)
}

// Header values that every answer shares; nothing changes them.
var (
	typeJSON = []string{"application/json"}
	success  = []byte(`{"success":true}`)
)

// answer writes the status and, for people, why.
func answer(w http.ResponseWriter, r *http.Request, status int, err error) {
	allowOrigin(w, r)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.Header()["Content-Type"] = typeJSON
	w.WriteHeader(status)
	if err == nil {
		_, _ = w.Write(success)
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

// preflight lets browsers send authorization and content types other than plain text. Which store it is about is not
// known yet, so that any origin may ask; the request itself is checked.
func preflight(w http.ResponseWriter, r *http.Request, methods string) {
	allowOrigin(w, r)
	w.Header().Set("Access-Control-Allow-Methods", methods+", OPTIONS")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Retry-Count")
	w.Header().Set("Access-Control-Max-Age", "3600")
	w.WriteHeader(http.StatusNoContent)
}
