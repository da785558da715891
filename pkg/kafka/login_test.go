package kafka

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// FuzzLogins feeds what may answer the question for logins.
func FuzzLogins(f *testing.F) {
	f.Add([]byte{0, 0, 0, 17, 0, 0, 0, correlation, 0, 33, 0, 0, 0, 1, 0, 5, 'P', 'L', 'A', 'I', 'N'})
	f.Add([]byte{0, 0, 0, 12, 0, 0, 0, correlation, 0, 34, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, answer []byte) {
		_, offered, err := askLogins(&peer{bytes.NewReader(answer)}, "PLAIN")
		if err == nil && len(offered) > len(answer) {
			t.Errorf("%d logins in %d bytes", len(offered), len(answer))
		}
	})
}

func TestLogins(t *testing.T) {
	answer := []byte{0, 0, 0, 17, 0, 0, 0, correlation, 0, 33, 0, 0, 0, 1, 0, 5, 'P', 'L', 'A', 'I', 'N'}
	code, offered, err := askLogins(&peer{bytes.NewReader(answer)}, "")
	if code != 33 || !slices.Equal(offered, []string{"PLAIN"}) || err != nil {
		t.Errorf("got %d, %v, %v", code, offered, err)
	}
	if _, err := apiVersions(&peer{bytes.NewReader([]byte{0x15, 3, 3, 0, 2, 2, 80})}); !errors.Is(err, errTLS) {
		t.Errorf("an alert: %v", err)
	}
}
