package main

import (
	"strings"
	"testing"
)

// Ensure that the list ends where it covers enough, or is as long as it may be, and that what is printed fits a store file.
func TestChooseValues(t *testing.T) {
	list := func() []valueCount {
		return []valueCount{{Value: "DE", Sessions: 60, Share: .6}, {Value: "NO", Sessions: 30, Share: .3}, {Value: "FR", Sessions: 10, Share: .1}}
	}
	for _, c := range []struct {
		cover float64
		most  int
		want  int
	}{{.5, 9, 1}, {.6, 9, 1}, {.61, 9, 2}, {1, 9, 3}, {1, 2, 2}} {
		l := list()
		choose(l, c.cover, c.most)
		n := 0
		for _, v := range l {
			if v.Chosen {
				n++
			}
		}
		if n != c.want {
			t.Errorf("cover %v, most %d: got %d values, want %d", c.cover, c.most, n, c.want)
		}
	}
	l := list()
	choose(l, .9, 9)
	var b strings.Builder
	if err := (&suggestValuesCmd{Dimension: "country"}).print(&b, l); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2 of 3 values cover 90.00 %", `{allow: {country: [DE, "NO"]}}`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("got %s\nwithout %s", b.String(), want)
		}
	}
}
