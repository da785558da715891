package kafka

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzAPIVersions feeds what may listen where a broker should.
func FuzzAPIVersions(f *testing.F) {
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Add([]byte{0, 0, 0, 16, 0, 0, 0, correlation, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 11})
	f.Fuzz(func(t *testing.T, answer []byte) {
		fetch, err := apiVersions(&peer{Reader: bytes.NewReader(answer)})
		if err == nil && fetch < 0 {
			t.Errorf("version %d", fetch)
		}
	})
}

type peer struct{ *bytes.Reader }

func (*peer) Write(p []byte) (int, error) { return len(p), nil }

func TestAPIVersions(t *testing.T) {
	old := []byte{0, 0, 0, 16, 0, 0, 0, correlation, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 11}
	if v, err := apiVersions(&peer{bytes.NewReader(old)}); v != 11 || err != nil {
		t.Errorf("got version %d, %v", v, err)
	}
	if _, err := apiVersions(&peer{bytes.NewReader([]byte("HTTP/1.1 400 Bad Request"))}); !errors.Is(err, errForeign) {
		t.Errorf("an HTTP server: %v", err)
	}
}
