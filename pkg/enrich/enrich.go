// Package enrich derives what an event says about its visit: channel, source, campaign, device.
//
// It works on strings that the client sent and on tables; it does no look-up outside the process. The channel of an
// entry that must keep the one before is Previous: only the fold knows which that was.
package enrich

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/tributary-data/tributary/pkg/enrich/recent"
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

// How many user agents and names of sources are remembered, twice each at most.
const (
	maxAgents  = 4096
	maxSources = 4096
)

// Enricher applies the tables and one store's rules. It is safe for concurrent use.
type Enricher struct {
	sources  sources
	grouping grouping
	own      map[string]bool
	brand    *regexp.Regexp
	agents   agents
	known    *recent.Cache[known]
}

// New reads the table of sources and prepares a store's rules.
func New(table []byte, r StoreRules) (*Enricher, error) {
	s, err := parseSources(table)
	if err != nil {
		return nil, err
	}
	e := &Enricher{sources: s, grouping: newGrouping(), own: map[string]bool{},
		agents: agents{recent.New[agent](maxAgents)}, known: recent.New[known](maxSources)}
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
	entry = &pb.Entry{}
	bot = e.Fill(entry, in)
	return entry, bot
}

// Fill is Entry into an empty one. Its strings may share memory with the input's.
func (e *Enricher) Fill(out *pb.Entry, in Input) (bot bool) {
	page := parseAddress(in.URL)
	var q params
	if page.query != "" {
		q = parseQuery(page.query)
	}
	click, id := q.click()
	referrer := parseAddress(in.Referrer).host
	from := e.know(referrer)
	t := e.traffic(in, &q, click, referrer, from)
	out.Ruleset, out.LandingPath = e.sources.ruleset, page.path
	out.ClickIdKind, out.ClickId = click.name, id
	out.Source, out.Medium, out.Campaign, out.Term = t.source, t.medium, t.campaign, t.term
	out.Content = strings.ToLower(first(in.Campaign.Content, q.v[utmContent]))
	if from.keeps {
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
	a := e.agents.parse(in.UserAgent)
	out.Device, out.Os, out.Browser = a.device, a.os, a.browser
	return a.bot
}

// known is what the tables and the store's rules say about a source or host.
type known struct {
	category string
	keeps    bool // a visit from there opens no new channel: the shop itself, or a payment provider
}

// know looks a source or host up. Its registrable domain is the costly part, so that answers are remembered.
func (e *Enricher) know(name string) known {
	if name == "" {
		return known{}
	}
	if k, ok := e.known.Get(name); ok {
		return k
	}
	domain := registrable(name)
	k := known{category: e.sources.of(name, domain),
		keeps: e.own[name] || e.own[domain] || e.sources.payment[name] || e.sources.payment[domain]}
	e.known.Put(name, k)
	return k
}

// traffic reads utm parameters, else click ids and the referrer.
func (e *Enricher) traffic(in Input, q *params, click clickID, referrer string, from known) traffic {
	t := traffic{
		source:   strings.ToLower(first(in.Campaign.Source, q.v[utmSource])),
		medium:   strings.ToLower(first(in.Campaign.Medium, q.v[utmMedium])),
		campaign: strings.ToLower(first(in.Campaign.Name, q.v[utmCampaign])),
		term:     strings.ToLower(first(in.Campaign.Term, q.v[utmTerm])),
	}
	if t.source == "" && t.medium == "" {
		if referrer != "" {
			t.source, t.medium = referrer, "referral"
			if from.category == "search" {
				t.medium = "organic"
			}
		} else if click.source != "" {
			t.source, t.medium = click.source, "(not set)"
		}
	}
	t.category = e.know(t.source).category
	t.adClick = click.paid && e.know(click.source).category == t.category
	return t
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
