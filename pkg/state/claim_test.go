package state

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestClaim(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "visitor", "g0.e0")
	for range 2 {
		if err := Claim(dir, 3); err != nil {
			t.Fatal(err)
		}
	}
	if err := Claim(dir, 4); err == nil || !strings.Contains(err.Error(), "a topic with 3 partitions, this one has 4") {
		t.Errorf("another count: %v", err)
	}
	if err := Claim(filepath.Join(dir, "partitions", "x"), 3); err == nil || !strings.Contains(err.Error(), "set TRIBUTARY_STATE_DIR") {
		t.Errorf("below a file: %v", err)
	}
}
