package collect

import (
	"slices"
	"strings"

	"github.com/tributary-data/tributary/pkg/enrich/recent"
)

// consents remembers the consent objects that were read: a storefront sends few different ones.
var consents = consentCache{recent.New[string](1024)}

type consentCache struct{ seen *recent.Cache[string] }

// of is the canonical form of a consent object: name=1 for a category that was agreed to and name=0 for one that was
// not, sorted and joined by commas. Segment's consent object is {"categoryPreferences": {"Advertising": true, ...}}
// (https://segment.com/docs/privacy/consent-management/consent-in-segment-connections/).
func (c consentCache) of(raw string) string {
	if raw == "" || raw[0] != '{' {
		return ""
	}
	if canonical, ok := c.seen.Get(raw); ok {
		return canonical
	}
	canonical := canonicalConsent(strings.Clone(raw))
	c.seen.Put(raw, canonical)
	return canonical
}

// preference is one category.
type preference struct {
	name   string
	agreed byte // '0', '1', or 0 if it is neither
}

// consentReader picks the preferences out of a checked object. What is neither true nor false counts for nothing.
type consentReader struct {
	decoder
	found []preference
}

func canonicalConsent(raw string) string {
	c := &consentReader{}
	c.scanner.reset([]byte(raw))
	c.space()
	if !c.members(func(_ *decoder, name string) bool {
		if name != "categoryPreferences" {
			return c.skip()
		}
		c.found = c.found[:0]
		if c.space() != '{' {
			return c.skip()
		}
		return c.members(c.preference)
	}) {
		return ""
	}
	slices.SortStableFunc(c.found, func(a, b preference) int { return strings.Compare(a.name, b.name) })
	var out strings.Builder
	for i, p := range c.found {
		if p.agreed == 0 || i+1 < len(c.found) && c.found[i+1].name == p.name { // the last of a doubled name counts
			continue
		}
		if out.Len() > 0 {
			out.WriteByte(',')
		}
		out.WriteString(consentName.Replace(p.name))
		out.WriteByte('=')
		out.WriteByte(p.agreed)
	}
	return out.String()
}

// consentName keeps the separators out of names.
var consentName = strings.NewReplacer("%", "%25", ",", "%2C", "=", "%3D")

func (c *consentReader) preference(_ *decoder, name string) bool {
	p := preference{name: name}
	switch c.space() {
	case 't':
		p.agreed = '1'
	case 'f':
		p.agreed = '0'
	}
	c.found = append(c.found, p)
	return c.skip()
}
