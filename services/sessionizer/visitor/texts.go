package visitor

import (
	"bytes"

	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Most texts of events are few: actions, channels, products, paths. Each is one string in memory for all of them. When the table
// is full it begins anew: it changes no result, only memory.
const (
	maxTexts = 1 << 16
	// longestText that is worth sharing, in bytes.
	longestText = 128
)

// texts are the shared strings of a fold.
type texts map[string]string

// arrivals decode the entries of a fold's events. Events come in batches, and those of one page one after the other: an entry that
// is the one before to the byte is that one.
type arrivals struct {
	texts texts
	bytes []byte // of the last one
	last  *pb.Entry
}

// of is b as a string.
func (t texts) of(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := t[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(b) > longestText {
		return s
	}
	if len(t) >= maxTexts {
		clear(t)
	}
	t[s] = s
	return s
}

// of is b decoded; nil for nil. What is unusual in it, or wrong, is for the generated code.
func (n *arrivals) of(b []byte) (*pb.Entry, error) {
	if b == nil {
		return nil, nil
	}
	if n.last != nil && bytes.Equal(b, n.bytes) {
		return n.last, nil
	}
	e := &pb.Entry{}
	if !n.texts.usual(b, e) {
		e = &pb.Entry{}
		if err := e.UnmarshalVT(b); err != nil {
			return nil, err
		}
	}
	n.bytes, n.last = append(n.bytes[:0], b...), e
	return e, nil
}

// usual reads an entry into e (schemas/proto/tributary/v1/event.proto); false if something in it is not as ingest writes it.
func (t texts) usual(b []byte, e *pb.Entry) bool {
	to := [...]*string{1: &e.Channel, 2: &e.Source, 3: &e.Medium, 4: &e.Campaign, 5: &e.Term, 6: &e.Content, 7: &e.BrandSearch, 8: &e.ClickIdKind,
		9: &e.ClickId, 10: &e.Device, 11: &e.Os, 12: &e.Browser, 13: &e.Country, 14: &e.LandingPath, 15: &e.Consent, 16: nil, 17: nil, 18: &e.Ruleset}
	for len(b) > 0 {
		at, _, text, rest := next(b)
		b = rest
		if at&7 != wireBytes || at>>3 >= uint64(len(to)) || to[at>>3] == nil {
			return false // also returning and variants: ingest does not know the one, and few stores have the other
		}
		*to[at>>3] = t.of(text)
	}
	return true
}
