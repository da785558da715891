package collect

import (
	"strings"
	"unicode/utf8"
)

// Segment's "Experiment Viewed" says which variation of an experiment a visitor was shown
// (https://segment.com/docs/connections/spec/ab-testing/): experiment_id or experiment_name, variation_id or variation_name.

// Limits of what is kept.
const (
	maxExperiment = 40  // bytes, as in a store file's variant:NAME
	maxVariation  = 100 // bytes
)

// variants is what one event showed, by experiment; nil if it does not say both.
func (p *segmentProperties) variants() map[string]string {
	experiment := experimentName(either(p.experimentID, p.experimentName))
	variation := variationName(either(p.variationID, p.variationName))
	if experiment == "" || variation == "" {
		return nil
	}
	return map[string]string{experiment: variation}
}

// experimentName is the name as a store file can say it: small letters, digits, _ and -, at most 40; every run of
// others is one _.
func experimentName(s string) string {
	out := make([]byte, 0, maxExperiment)
	for _, r := range strings.TrimSpace(strings.ToLower(s)) {
		switch {
		case len(out) == maxExperiment:
			return string(out)
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_':
			out = append(out, byte(r))
		case len(out) == 0 || out[len(out)-1] != '_':
			out = append(out, '_')
		}
	}
	return string(out)
}

// variationName is the variation as it was sent, cut where it is long, between two characters.
func variationName(s string) string {
	s = strings.TrimSpace(s)
	if len(s) <= maxVariation {
		return s
	}
	end := maxVariation
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
