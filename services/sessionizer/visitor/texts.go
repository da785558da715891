package visitor

import (
	"strings"

	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Most texts of events are few: actions, channels, products, paths. Each is one string in memory for all of them. When the table
// is full it begins anew: it changes no result, only memory.
const (
	maxTexts = 1 << 16
	// longestText that is worth sharing, in bytes.
	longestText = 128
)

// texts are the shared strings of a fold, and the last entry: events come in batches, and those of one page, with equal entries, one
// after the other.
type texts struct {
	table map[string]string
	last  *pb.Entry
}

// of is a text that may be kept, of one that aliases a record.
func (t *texts) of(s string) string {
	if s == "" {
		return ""
	}
	if own, ok := t.table[s]; ok {
		return own
	}
	own := strings.Clone(s)
	if len(own) > longestText {
		return own
	}
	if len(t.table) >= maxTexts {
		clear(t.table)
	}
	t.table[own] = own
	return own
}

// ofBytes is of for bytes, as they stand in the store.
func (t *texts) ofBytes(b []byte) string {
	if own, ok := t.table[string(b)]; ok {
		return own
	}
	return t.of(string(b))
}

// entry is an entry that may be kept, of one that aliases a record: the last one, if it is equal.
func (t *texts) entry(e *pb.Entry) *pb.Entry {
	switch {
	case e == nil:
		return nil
	case t.last != nil && e.EqualVT(t.last):
		return t.last
	}
	own := &pb.Entry{Channel: t.of(e.Channel), Source: t.of(e.Source), Medium: t.of(e.Medium), Campaign: t.of(e.Campaign), Term: t.of(e.Term),
		Content: t.of(e.Content), BrandSearch: t.of(e.BrandSearch), ClickIdKind: t.of(e.ClickIdKind), ClickId: strings.Clone(e.ClickId),
		Device: t.of(e.Device), Os: t.of(e.Os), Browser: t.of(e.Browser), Country: t.of(e.Country), LandingPath: t.of(e.LandingPath),
		Consent: t.of(e.Consent), Returning: e.Returning, Ruleset: t.of(e.Ruleset)}
	for k, v := range e.Variants { // any order: into a map
		if own.Variants == nil {
			own.Variants = map[string]string{}
		}
		own.Variants[t.of(k)] = t.of(v)
	}
	t.last = own
	return own
}
