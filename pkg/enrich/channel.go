package enrich

import "strings"

// Channels of GA4's default grouping, and ours that keeps the one before.
const (
	Previous      = "(previous)"
	Direct        = "Direct"
	PaidSearch    = "Paid Search"
	OrganicSearch = "Organic Search"
	unassigned    = "Unassigned"
)

// traffic is where a visit says that it comes from, in lower case.
type traffic struct {
	source, medium, campaign, term string
	category                       string // of the source: search, social, shopping, video, paid, email or ""
	adClick                        bool   // a click id that only an advertisement carries, of this source
}

// rule is one line of the grouping.
type rule struct {
	channel string
	holds   func(t traffic) bool
}

// grouping is the ordered list of rules; the first that holds wins (GA4's default channel group).
type grouping []rule

func newGrouping() grouping {
	paid := func(t traffic) bool { return paidMedium(t.medium) || t.category == "paid" || t.adClick }
	shop := func(t traffic) bool { return t.category == "shopping" || shopCampaign(t.campaign) }
	is := func(category string) func(traffic) bool {
		return func(t traffic) bool { return t.category == category }
	}
	medium := func(names ...string) func(traffic) bool {
		return func(t traffic) bool { return oneOf(t.medium, names...) }
	}
	either := func(a, b func(traffic) bool) func(traffic) bool {
		return func(t traffic) bool { return a(t) || b(t) }
	}
	both := func(a, b func(traffic) bool) func(traffic) bool {
		return func(t traffic) bool { return a(t) && b(t) }
	}
	return grouping{
		{Direct, func(t traffic) bool {
			return oneOf(t.source, "", "(direct)") && oneOf(t.medium, "", "(none)", "(not set)")
		}},
		{"Cross-network", func(t traffic) bool { return strings.Contains(t.campaign, "cross-network") }},
		{"Paid Shopping", both(shop, paid)},
		{PaidSearch, both(is("search"), paid)},
		{"Paid Social", both(is("social"), paid)},
		{"Paid Video", both(is("video"), paid)},
		{"Display", medium("display", "banner", "expandable", "interstitial", "cpm")},
		{"Paid Other", paid},
		{"Organic Shopping", shop},
		{"Organic Social", either(is("social"), medium("social", "social-network", "social-media", "sm", "social network", "social media"))},
		{"Organic Video", either(is("video"), func(t traffic) bool { return strings.Contains(t.medium, "video") })},
		{OrganicSearch, either(is("search"), medium("organic"))},
		{"Referral", medium("referral", "app", "link")},
		{"Email", either(is("email"), medium("email", "e-mail", "e_mail", "e mail"))},
		{"Affiliates", medium("affiliate")},
		{"Audio", medium("audio")},
		{"SMS", func(t traffic) bool { return t.source == "sms" || t.medium == "sms" }},
		{"Mobile Push Notifications", func(t traffic) bool {
			return strings.HasSuffix(t.medium, "push") || strings.Contains(t.medium, "mobile") ||
				strings.Contains(t.medium, "notification") || t.source == "firebase"
		}},
	}
}

// paidMedium is GA4's ^(.*cp.*|ppc|retargeting|paid.*)$.
func paidMedium(s string) bool {
	return (strings.Contains(s, "cp") || s == "ppc" || s == "retargeting" || strings.HasPrefix(s, "paid")) && !strings.Contains(s, "\n")
}

// shopCampaign is GA4's ^(.*(([^a-df-z]|^)shop|shopping).*)$: "shop" where a word may start, or "shopping" anywhere. A
// text of several lines is none.
func shopCampaign(s string) bool {
	if strings.Contains(s, "\n") {
		return false
	}
	for rest := s; ; {
		i := strings.Index(rest, "shop")
		if i < 0 {
			return false
		}
		at := len(s) - len(rest) + i
		if at == 0 || s[at-1] == 'e' || s[at-1] < 'a' || s[at-1] > 'z' || strings.HasPrefix(s[at:], "shopping") {
			return true
		}
		rest = rest[i+1:]
	}
}

// channel of the traffic: the first rule that holds.
func (g grouping) channel(t traffic) string {
	for _, r := range g {
		if r.holds(t) {
			return r.channel
		}
	}
	return unassigned
}

func oneOf(s string, list ...string) bool {
	for _, l := range list {
		if s == l {
			return true
		}
	}
	return false
}
