package visitor

import (
	"testing"
	"unsafe"

	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Ensure that an entry that equals the one before is the same in memory, that one that differs is not, and that both are whole.
func TestEntriesAreShared(t *testing.T) {
	x := texts{table: map[string]string{}}
	one := &pb.Entry{Channel: "1", Source: "2", Medium: "3", Campaign: "4", Term: "5", Content: "6", BrandSearch: "7", ClickIdKind: "8", ClickId: "9",
		Device: "10", Os: "11", Browser: "12", Country: "13", LandingPath: "14", Consent: "15", Returning: true, Ruleset: "16",
		Variants: map[string]string{"a": "b"}}
	first := x.entry(one)
	if !first.EqualVT(one) || first == one {
		t.Fatalf("got %v, want a copy of %v", first, one)
	}
	if x.entry(one.CloneVT()) != first || x.entry(nil) != nil {
		t.Error("the same entry is another one")
	}
	other := one.CloneVT()
	other.LandingPath = "/p"
	second := x.entry(other)
	if second == first || !second.EqualVT(other) || !first.EqualVT(one) {
		t.Error("entries are mixed up")
	}
	if unsafe.StringData(second.Channel) != unsafe.StringData(first.Channel) {
		t.Error("equal texts are two in memory")
	}
}

// Ensure that a table that is full begins anew, and gives the right texts all the same.
func TestTextsBeginAnew(t *testing.T) {
	x := texts{table: map[string]string{}}
	for i := range maxTexts + 10 {
		s := string(rune('a'+i%26)) + string(rune(0x4e00+i%20000)) + string(rune(0x4e00+i/20000))
		if got := x.ofBytes([]byte(s)); got != s {
			t.Fatalf("got %q, want %q", got, s)
		}
	}
	if len(x.table) > maxTexts || x.of("") != "" {
		t.Errorf("%d texts", len(x.table))
	}
}
