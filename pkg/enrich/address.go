package enrich

import (
	"net/url"
	"strings"
)

// address is what counts of a URL.
type address struct {
	host        string // without port and www, lower case
	path, query string
}

// parseAddress reads a URL as package net/url does; one that does not parse says nothing. Nearly all are plain, and
// are only cut into parts.
func parseAddress(s string) address {
	if s == "" {
		return address{}
	}
	if a, ok := plainAddress(s); ok {
		return a
	}
	u, err := url.Parse(s)
	if err != nil {
		return address{}
	}
	return address{host: bareHost(u.Hostname()), path: u.Path, query: u.RawQuery}
}

func bareHost(host string) string { return strings.TrimPrefix(strings.ToLower(host), "www.") }

// plainAddress cuts http://host/path?query with nothing before the query that would have to be decoded or refused.
func plainAddress(s string) (a address, ok bool) {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		if rest, ok = strings.CutPrefix(s, "http://"); !ok {
			return a, false
		}
	}
	host := 0
	for host < len(rest) && hostByte(rest[host]) {
		host++
	}
	if host < len(rest) && rest[host] != '/' && rest[host] != '?' {
		return a, false
	}
	end := len(rest)
	for i := host; i < len(rest); i++ {
		switch c := rest[i]; {
		case c <= ' ' || c >= 0x7f || c == '#', c == '%' && end == len(rest):
			return a, false
		case c == '?' && end == len(rest):
			end = i
		}
	}
	a.host, a.path = bareHost(rest[:host]), rest[host:end]
	if end < len(rest) {
		a.query = rest[end+1:]
	}
	return a, true
}

func hostByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c-'0' <= 9 || c == '.' || c == '-'
}

// The parameters of a query that count: campaign first, then click ids in the order of preference when an address
// carries several.
const (
	utmSource = iota
	utmMedium
	utmCampaign
	utmTerm
	utmContent
	firstClick
	parameters = firstClick + 12
)

// params are the first value of each parameter.
type params struct {
	v    [parameters]string
	seen uint32
}

// parseQuery reads what url.ParseQuery does, but only the parameters that count.
func parseQuery(query string) (p params) {
	for query != "" {
		var part string
		part, query, _ = strings.Cut(query, "&")
		if part == "" || strings.Contains(part, ";") {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		i := parameter(unescaped(name))
		if i < 0 || p.seen&(1<<i) != 0 {
			continue
		}
		if strings.ContainsAny(value, "%+") {
			decoded, err := url.QueryUnescape(value)
			if err != nil {
				continue
			}
			value = decoded
		}
		p.v[i] = value
		p.seen |= 1 << i
	}
	return p
}

// unescaped is a name's text, empty if it does not decode.
func unescaped(name string) string {
	if !strings.ContainsAny(name, "%+") {
		return name
	}
	name, _ = url.QueryUnescape(name)
	return name
}

// parameter is the number of a name, -1 of one that does not count.
func parameter(name string) int {
	switch name {
	case "utm_source":
		return utmSource
	case "utm_medium":
		return utmMedium
	case "utm_campaign":
		return utmCampaign
	case "utm_term":
		return utmTerm
	case "utm_content":
		return utmContent
	}
	for i := range clickIDs {
		if clickIDs[i].name == name {
			return firstClick + i
		}
	}
	return -1
}
