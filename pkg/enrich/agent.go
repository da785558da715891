package enrich

import (
	"strings"

	"github.com/mileusna/useragent"

	"github.com/tributary-data/tributary/pkg/enrich/recent"
)

// agent is what a user agent says about itself.
type agent struct {
	device, os, browser string
	bot                 bool
}

// agents remembers the user agents that were parsed: parsing costs more than all the rest of an event, and a
// storefront sees few thousand different ones.
type agents struct{ seen *recent.Cache[agent] }

func (a agents) parse(s string) agent {
	if s == "" {
		return agent{device: "other"}
	}
	if known, ok := a.seen.Get(s); ok {
		return known
	}
	s = strings.Clone(s) // what is parsed shares memory with it
	ua := useragent.Parse(s)
	out := agent{device: device(ua), os: ua.OS, browser: ua.Name, bot: ua.Bot}
	a.seen.Put(s, out)
	return out
}

// device class of a user agent. Android browsers say "Mobile" on telephones only, which the parser overlooks.
func device(ua useragent.UserAgent) string {
	switch {
	case ua.Tablet, ua.OS == useragent.Android && !strings.Contains(ua.String, "Mobile"):
		return "tablet"
	case ua.Mobile:
		return "mobile"
	case ua.Desktop:
		return "desktop"
	}
	return "other"
}
