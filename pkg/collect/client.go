package collect

import (
	"net/http"
	"net/netip"
	"strings"
)

// client is what a request says about who sends it. Addresses are looked at and not kept.
type client struct {
	country   string // ISO 3166 alpha-2, upper case
	internal  bool   // of a network that the store calls its own
	pixel     bool   // an image loaded it
	userAgent string // of the image's loader: a pixel has no other way to tell
}

// clientOf reads a request's peer and headers.
func (c *Config) clientOf(r *http.Request, st *Store) client {
	out := client{}
	if c.CountryHeader != "" {
		out.country = country(r.Header.Get(c.CountryHeader))
	}
	asks := out.country == "" && c.Countries != nil
	if len(st.Internal) == 0 && !asks {
		return out
	}
	addr, ok := c.address(r)
	out.internal = ok && within(st.Internal, addr)
	if ok && asks {
		out.country = country(c.Countries.Country(addr))
	}
	return out
}

// address of the client. A proxy that we trust tells whom it speaks for in the last hop of X-Forwarded-For: all hops
// before that one are the client's own words.
func (c *Config) address(r *http.Request) (netip.Addr, bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	addr := peer.Addr().Unmap().WithZone("")
	forwarded := r.Header.Values("X-Forwarded-For")
	if len(forwarded) == 0 || !within(c.Proxies, addr) {
		return addr, true
	}
	last := forwarded[len(forwarded)-1]
	last = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
	if hop, err := netip.ParseAddr(last); err == nil {
		return hop.Unmap().WithZone(""), true
	}
	if hop, err := netip.ParseAddrPort(last); err == nil { // some proxies write the port too
		return hop.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

func within(nets []netip.Prefix, addr netip.Addr) bool {
	for _, n := range nets {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

// country is a header's or a file's value as ISO 3166 alpha-2. CDNs write XX for an unknown one and T1 for Tor
// (https://developers.cloudflare.com/fundamentals/reference/http-headers/#cf-ipcountry).
func country(s string) string {
	s = strings.ToUpper(s)
	if len(s) != 2 || s == "XX" || s[0] < 'A' || s[0] > 'Z' || s[1] < 'A' || s[1] > 'Z' {
		return ""
	}
	return s
}

// mayCome tells whether a page of the request's origin may send for the store. Servers send no origin.
func (st *Store) mayCome(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || len(st.Origins) == 0 {
		return true
	}
	for _, o := range st.Origins {
		if strings.EqualFold(o, origin) {
			return true
		}
	}
	return false
}
