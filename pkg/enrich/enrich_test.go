package enrich_test

import (
	"testing"

	"github.com/tributary-data/tributary/pkg/enrich"
	"github.com/tributary-data/tributary/schemas"
)

func newEnricher(t testing.TB) *enrich.Enricher {
	t.Helper()
	e, err := enrich.New(schemas.Channels, enrich.StoreRules{OwnDomains: []string{"shop.example"}, PaymentDomains: []string{"pay.bank.example"}, BrandPattern: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Ensure GA4's default grouping in its order, and our rules before it.
func TestChannel(t *testing.T) {
	e := newEnricher(t)
	const shop = "https://shop.example/p1"
	for _, c := range []struct{ url, referrer, channel, brand string }{
		{shop, "", "Direct", ""},
		{shop + "?utm_source=(direct)&utm_medium=(none)", "", "Direct", ""},
		{shop, "https://www.google.com/", "Organic Search", ""},
		{shop, "https://www.google.co.uk/", "Organic Search", ""},
		{shop, "https://duckduckgo.com/?q=x", "Organic Search", ""},
		{shop, "https://l.facebook.com/", "Organic Social", ""},
		{shop + "?fbclid=x", "https://m.facebook.com/", "Organic Social", ""},
		{shop, "https://t.co/abc", "Organic Social", ""},
		{shop, "https://www.youtube.com/watch", "Organic Video", ""},
		{shop, "https://www.ebay.de/itm", "Organic Shopping", ""},
		{shop, "https://blog.example.org/best", "Referral", ""},
		{shop + "?utm_source=google&utm_medium=cpc&utm_campaign=ACME%20sale", "https://www.google.com/", "Paid Search", "yes"},
		{shop + "?utm_source=google&utm_medium=cpc&utm_campaign=generic", "https://www.google.com/", "Paid Search", "no"},
		{shop + "?utm_source=bing&utm_medium=ppc&utm_term=acme+shoes", "", "Paid Search", "yes"},
		{shop + "?gclid=x", "https://www.google.com/", "Paid Search", "no"},
		{shop + "?gclid=x", "", "Paid Search", "no"},
		{shop + "?utm_source=bing&utm_medium=organic&msclkid=x", "", "Paid Search", "no"},
		{shop + "?utm_source=google&utm_medium=cpc&utm_campaign=summer-shopping", "", "Paid Shopping", ""},
		{shop + "?utm_source=facebook&utm_medium=cpm", "", "Paid Social", ""},
		{shop + "?utm_source=facebook_ad", "", "Paid Other", ""},
		{shop + "?utm_source=x&utm_medium=video", "", "Organic Video", ""},
		{shop + "?utm_source=youtube&utm_medium=cpc", "", "Paid Video", ""},
		{shop + "?utm_source=adnet&utm_medium=cpm", "", "Display", ""},
		{shop + "?utm_source=adnet&utm_medium=banner", "", "Display", ""},
		{shop + "?utm_source=adnet&utm_medium=cpc", "", "Paid Other", ""},
		{shop + "?utm_source=x&utm_medium=y&utm_campaign=cross-network", "", "Cross-network", ""},
		{shop + "?utm_source=forum&utm_medium=social", "", "Organic Social", ""},
		{shop + "?utm_source=Newsletter&utm_medium=Email", "", "Email", ""},
		{shop + "?utm_source=newsletter", "", "Email", ""},
		{shop + "?utm_source=partner&utm_medium=affiliate", "", "Affiliates", ""},
		{shop + "?utm_source=pod&utm_medium=audio", "", "Audio", ""},
		{shop + "?utm_source=sms", "", "SMS", ""},
		{shop + "?utm_source=x&utm_medium=web-push", "", "Mobile Push Notifications", ""},
		{shop + "?utm_source=x&utm_medium=zzz", "", "Unassigned", ""},
		{shop, "https://shop.example/cart", "(previous)", ""},
		{shop, "https://www.shop.example/cart", "(previous)", ""},
		{shop, "https://help.shop.example/", "(previous)", ""},
		{shop, "https://www.paypal.com/checkoutnow", "(previous)", ""},
		{shop, "https://checkout.stripe.com/c/pay", "(previous)", ""},
		{shop, "https://pay.bank.example/x", "(previous)", ""},
		{"::not a url", "", "Direct", ""},
	} {
		entry, _ := e.Entry(enrich.Input{URL: c.url, Referrer: c.referrer})
		if entry.Channel != c.channel || entry.BrandSearch != c.brand {
			t.Errorf("%s from %q: got %s, brand %q, want %s, %q", c.url, c.referrer, entry.Channel, entry.BrandSearch, c.channel, c.brand)
		}
	}
}

// Ensure that the client's campaign goes before the URL's, and what else an entry holds.
func TestEntry(t *testing.T) {
	entry, bot := newEnricher(t).Entry(enrich.Input{
		URL:       "https://shop.example/p1?utm_source=google&utm_medium=cpc&utm_campaign=URL&utm_term=T&utm_content=C&gclid=Ab1",
		Referrer:  "https://www.google.com/",
		Campaign:  enrich.Campaign{Name: "Ctx"},
		UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
	})
	if bot || entry.Source != "google" || entry.Medium != "cpc" || entry.Campaign != "ctx" || entry.Term != "t" || entry.Content != "c" ||
		entry.ClickIdKind != "gclid" || entry.ClickId != "Ab1" || entry.LandingPath != "/p1" || entry.Device != "mobile" ||
		entry.Os != "iOS" || entry.Browser != "Safari" || entry.Ruleset == "" {
		t.Errorf("got %+v, bot %t", entry, bot)
	}
}

func TestDevice(t *testing.T) {
	e := newEnricher(t)
	for ua, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36":                "desktop",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15":          "desktop",
		"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0":                                                         "desktop",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36":          "mobile",
		"Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1": "tablet",
		"Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36":                 "tablet",
		"": "other",
	} {
		if entry, _ := e.Entry(enrich.Input{UserAgent: ua}); entry.Device != want {
			t.Errorf("%q: got %s, want %s", ua, entry.Device, want)
		}
	}
	if _, bot := e.Entry(enrich.Input{UserAgent: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}); !bot {
		t.Error("a declared bot was not seen")
	}
}

func TestBadTables(t *testing.T) {
	for _, bad := range []string{"search google", "ruleset x\nnonsense a b", "ruleset"} {
		if _, err := enrich.New([]byte(bad), enrich.StoreRules{}); err == nil {
			t.Errorf("table %q was taken", bad)
		}
	}
	if _, err := enrich.New(schemas.Channels, enrich.StoreRules{BrandPattern: "("}); err == nil {
		t.Error("a brand pattern that is no regular expression was taken")
	}
}

func BenchmarkEntry(b *testing.B) {
	e := newEnricher(b)
	in := enrich.Input{URL: "https://shop.example/p1?utm_source=google&utm_medium=cpc&gclid=x", Referrer: "https://www.google.com/",
		UserAgent: "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36"}
	b.ReportAllocs()
	for b.Loop() {
		e.Entry(in)
	}
}
