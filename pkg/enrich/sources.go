package enrich

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// sources knows which category a host or a named source belongs to.
type sources struct {
	category map[string]string
	payment  map[string]bool
	ruleset  string
}

// parseSources reads schemas/channels/sources.txt: a category, then its names.
func parseSources(table []byte) (sources, error) {
	s := sources{category: map[string]string{}, payment: map[string]bool{}}
	lines := bufio.NewScanner(bytes.NewReader(table))
	lines.Buffer(nil, 1<<20)
	for at := 1; lines.Scan(); at++ {
		f := strings.Fields(lines.Text())
		if len(f) == 0 || f[0][0] == '#' {
			continue
		}
		if len(f) < 2 {
			return s, fmt.Errorf("channel sources, line %d: expected a category and names", at)
		}
		switch f[0] {
		case "ruleset":
			s.ruleset = f[1]
		case "payment":
			for _, name := range f[1:] {
				s.payment[name] = true
			}
		case "search", "social", "shopping", "video", "paid", "email":
			for _, name := range f[1:] {
				if _, taken := s.category[name]; !taken {
					s.category[name] = f[0]
				}
			}
		default:
			return s, fmt.Errorf("channel sources, line %d: category %q is unknown", at, f[0])
		}
	}
	if s.ruleset == "" {
		return s, fmt.Errorf("channel sources: the line that names the ruleset is missing")
	}
	return s, lines.Err()
}

// of is the category of a source: the full host, then its registrable domain, then the bare brand.
func (s sources) of(source, domain string) string {
	if c, ok := s.category[source]; ok {
		return c
	}
	if c, ok := s.category[domain]; ok {
		return c
	}
	brand, _, _ := strings.Cut(domain, ".")
	return s.category[brand]
}

// registrable is the registrable domain of a host (public suffix plus one label); the host itself if it has none.
func registrable(host string) string {
	if d, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return d
	}
	return host
}
