package enrich

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/mileusna/useragent"

	"github.com/tributary-data/tributary/pkg/enrich/recent"
)

var oddAddresses = []string{"", "https://shop.example", "https://www.Shop.example/p1?utm_source=a%20b&gclid=x&gclid=y&utm_medium=", "http://shop.example:8080/x",
	"https://user:pw@shop.example/p?x=1#f", "https://shop.example/a%2Fb?utm_term=%zz&utm_term=ok", "https://shop.example/p?utm_source=a+b&x;y=1&utm%5Fmedium=m",
	"https://shop.example/p#frag?utm_source=x", "https://shop.example/%zz", "https://shop.example/ä?utm_source=ö", "//shop.example/p", "/p?utm_source=x", "shop.example/p",
	"https://[::1]:80/p", "https://shop.example/p?&&=x&utm_source", "https:///p?x", "https://?utm_source=x", "https://a b/", "https://shop.example/a b", "android-app://com.google",
	"::", "https://shop.example/p?utm_source=\x01", "https://shop.example/p?utm_source=%", "mailto:a@b", "https://xn--bcher-kva.example/", "HTTPS://SHOP.EXAMPLE/P"}

// checkAddress compares with package net/url, which the fast way stands for.
func checkAddress(t *testing.T, s string) {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		u = &url.URL{}
	}
	host := strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
	if s == "" || err != nil {
		host = ""
	}
	a := parseAddress(s)
	if a.host != host || a.path != u.Path {
		t.Errorf("%q: got host %q, path %q, want %q, %q", s, a.host, a.path, host, u.Path)
	}
	checkQuery(t, a.query, u.Query())
}

func checkQuery(t *testing.T, query string, want url.Values) {
	t.Helper()
	p := parseQuery(query)
	names := map[string]int{"utm_source": utmSource, "utm_medium": utmMedium, "utm_campaign": utmCampaign, "utm_term": utmTerm, "utm_content": utmContent}
	for i, c := range clickIDs {
		names[c.name] = firstClick + i
	}
	for name, i := range names {
		if p.v[i] != want.Get(name) {
			t.Errorf("%q: got %s=%q, want %q", query, name, p.v[i], want.Get(name))
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for _, s := range oddAddresses {
		checkAddress(t, s)
	}
}

func FuzzAddress(f *testing.F) {
	for _, s := range oddAddresses {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Count(s, "&") < 1000 { // net/url refuses very many parameters
			checkAddress(t, s)
		}
	})
}

var (
	paidPattern = regexp.MustCompile(`^(.*cp.*|ppc|retargeting|paid.*)$`)
	shopPattern = regexp.MustCompile(`^(.*(([^a-df-z]|^)shop|shopping).*)$`)
)

// FuzzPatterns compares the plain checks with GA4's regular expressions.
func FuzzPatterns(f *testing.F) {
	for _, s := range []string{"", "cpc", "cpm", "ppc", "ppcx", "retargeting", "paid", "paid-social", "unpaid", "shop", "eshop", "myshop", "my-shop", "bishop shop",
		"workshopping", "workshop", "shoshop", "shopshop", "ashop eshop", "éshop", "0shop", "cp\n", "paid\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := paidMedium(s), paidPattern.MatchString(s); got != want {
			t.Errorf("paid medium %q: got %t, want %t", s, got, want)
		}
		if strings.Contains(s, "\n") {
			return // the pattern lets a line end right before "shop" pass, which no campaign has
		}
		if got, want := shopCampaign(s), shopPattern.MatchString(s); got != want {
			t.Errorf("shop campaign %q: got %t, want %t", s, got, want)
		}
	})
}

// Ensure that a remembered user agent is the one that was parsed, also after the memory of the question has changed.
func TestAgents(t *testing.T) {
	t.Parallel()
	a := agents{recent.New[agent](10)}
	const ua = "curious/1.0 (some thing)"
	question := []byte(ua)
	for range 2 {
		parsed := useragent.Parse(ua)
		if got := a.parse(string(question)); got.browser != parsed.Name || got.os != parsed.OS || got.bot != parsed.Bot {
			t.Errorf("got %+v, want %+v", got, parsed)
		}
	}
	copy(question, "xxxxxxxxxxxx")
	if got := a.parse(ua); !strings.HasPrefix(got.browser, "curious") {
		t.Errorf("got %+v", got)
	}
}
