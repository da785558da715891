// Package enrich derives what an event says about its visit: channel, source, campaign, device.
//
// It works on strings that the client sent and on tables; it does no look-up outside the process. The channel of an
// entry that must keep the one before is Previous: only the fold knows which that was.
package enrich

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/mileusna/useragent"

	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Input is what the client said.
type Input struct {
	// URL and Referrer of the page, as sent.
	URL, Referrer string
	// Campaign is the client's own reading of the utm parameters; where it is empty the URL's are used.
	Campaign Campaign
	// UserAgent of the browser.
	UserAgent string
}

// Campaign parameters.
type Campaign struct{ Source, Medium, Name, Term, Content string }

// StoreRules are a store's own settings.
type StoreRules struct {
	// OwnDomains are the shop's hosts, or registrable domains, lower case.
	OwnDomains []string
	// PaymentDomains are payment providers beyond those of the table.
	PaymentDomains []string
	// BrandPattern (RE2, matched against lower case) tells a brand search; empty: none is.
	BrandPattern string
}

// Enricher applies the tables and one store's rules. It is safe for concurrent use.
type Enricher struct {
	sources  sources
	grouping grouping
	own      map[string]bool
	brand    *regexp.Regexp
}

// New reads the table of sources and prepares a store's rules.
func New(table []byte, r StoreRules) (*Enricher, error) {
	s, err := parseSources(table)
	if err != nil {
		return nil, err
	}
	g, err := newGrouping()
	if err != nil {
		return nil, fmt.Errorf("channel grouping: %w", err)
	}
	e := &Enricher{sources: s, grouping: g, own: map[string]bool{}}
	for _, d := range r.OwnDomains {
		e.own[strings.ToLower(d)] = true
	}
	for _, d := range r.PaymentDomains {
		s.payment[strings.ToLower(d)] = true
	}
	if r.BrandPattern != "" {
		if e.brand, err = regexp.Compile(r.BrandPattern); err != nil {
			return nil, fmt.Errorf("brand pattern: %w", err)
		}
	}
	return e, nil
}

// Entry is how a session that starts with this event would have come in, and whether the client declares itself a bot.
func (e *Enricher) Entry(in Input) (entry *pb.Entry, bot bool) {
	page, _ := url.Parse(in.URL) // an address that does not parse says nothing
	if page == nil {
		page = &url.URL{}
	}
	q := page.Query()
	out := &pb.Entry{Ruleset: e.sources.ruleset, LandingPath: page.Path}
	out.ClickIdKind, out.ClickId = clickID(q)
	t := e.traffic(in, q, out.ClickIdKind)
	out.Source, out.Medium, out.Campaign, out.Term = t.source, t.medium, t.campaign, t.term
	out.Content = strings.ToLower(first(in.Campaign.Content, q.Get("utm_content")))
	if host := hostOf(in.Referrer); e.keepsPrevious(host) {
		out.Channel = Previous
	} else {
		out.Channel = e.grouping.channel(t)
	}
	if out.Channel == PaidSearch {
		out.BrandSearch = "no"
		if e.brand != nil && (e.brand.MatchString(t.campaign) || e.brand.MatchString(t.term)) {
			out.BrandSearch = "yes"
		}
	}
	ua := useragent.Parse(in.UserAgent)
	out.Device, out.Os, out.Browser = device(ua), ua.OS, ua.Name
	return out, ua.Bot
}

// keepsPrevious tells whether a visit from host opens no new channel: the shop itself, or a payment provider.
func (e *Enricher) keepsPrevious(host string) bool {
	return host != "" && (e.own[host] || e.own[registrable(host)] || e.sources.isPayment(host))
}

// traffic reads utm parameters, else click ids and the referrer.
func (e *Enricher) traffic(in Input, q url.Values, clickKind string) traffic {
	t := traffic{
		source:   strings.ToLower(first(in.Campaign.Source, q.Get("utm_source"))),
		medium:   strings.ToLower(first(in.Campaign.Medium, q.Get("utm_medium"))),
		campaign: strings.ToLower(first(in.Campaign.Name, q.Get("utm_campaign"))),
		term:     strings.ToLower(first(in.Campaign.Term, q.Get("utm_term"))),
	}
	click := clickSources[clickKind]
	if t.source == "" && t.medium == "" {
		if host := hostOf(in.Referrer); host != "" {
			t.source, t.medium = host, "referral"
			if e.sources.of(host) == "search" {
				t.medium = "organic"
			}
		} else if click.source != "" {
			t.source, t.medium = click.source, "(not set)"
		}
	}
	t.category = e.sources.of(t.source)
	t.adClick = click.paid && e.sources.of(click.source) == t.category
	return t
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

// hostOf is the host of an address without www, lower case; empty if it has none.
func hostOf(address string) string {
	if address == "" {
		return ""
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
