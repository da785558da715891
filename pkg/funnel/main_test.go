package funnel_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain raises the number of random cases: a case costs microseconds here.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("10000"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
