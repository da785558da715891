package visitor

import pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"

// Most texts of events are few: actions, channels, products, paths. Each is one string in memory for all of them, and so is an
// entry that is the same to the byte. When a table is full it begins anew: it changes no result, only memory.
const (
	maxTexts   = 1 << 16
	maxEntries = 1 << 13
	// longestText that is worth sharing, in bytes.
	longestText = 128
)

// texts are the shared strings and entries of a fold.
type texts struct {
	strings map[string]string
	entries map[string]*pb.Entry // by their encoding
}

func newTexts() texts { return texts{strings: map[string]string{}, entries: map[string]*pb.Entry{}} }

// of is b as a string.
func (t *texts) of(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := t.strings[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(b) > longestText {
		return s
	}
	if len(t.strings) >= maxTexts {
		clear(t.strings)
	}
	t.strings[s] = s
	return s
}

// entry is b decoded; nil for nil.
func (t *texts) entry(b []byte) (*pb.Entry, error) {
	if b == nil {
		return nil, nil
	}
	if e, ok := t.entries[string(b)]; ok {
		return e, nil
	}
	e := &pb.Entry{}
	if err := e.UnmarshalVT(b); err != nil {
		return nil, err
	}
	for _, s := range []*string{&e.Channel, &e.Source, &e.Medium, &e.Campaign, &e.Term, &e.Content, &e.BrandSearch, &e.ClickIdKind, &e.Device, &e.Os,
		&e.Browser, &e.Country, &e.LandingPath, &e.Consent, &e.Ruleset} {
		*s = t.of([]byte(*s))
	}
	if len(t.entries) >= maxEntries {
		clear(t.entries)
	}
	t.entries[string(b)] = e
	return e, nil
}
