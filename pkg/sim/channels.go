package sim

import (
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
)

// channelModel is one way to the shop: the channel and brand_search that the pipeline must find, the share of visits,
// the intent multiplier, and what the storefront sees of it. Shares and multipliers are parameters of the storefront
// model (analytics.md §10); Paid Shopping, Organic Video and SMS are not in it and take their shares from Paid
// Search, Organic Social and Email.
type channelModel struct {
	channel, brand string
	share, intent  float64
	sources        []source
}

// source is a referrer and the landing page's query; {id} is a click id, {brand} the store's brand word.
type source struct{ referrer, query string }

// channels of the storefront. The names are those of GA4's default channel group. Traps on purpose: fbclid comes with
// unpaid clicks too, a webmail's referrer belongs to a search host, gclid and msclkid come without utm (auto-tagging),
// utm values come in capitals, and medium cpm is social on a social source only.
var channels = []channelModel{
	{"Direct", "", .20, 1.15, []source{{"", ""}}},
	{"Organic Search", "", .24, 1.0, []source{
		{"https://www.google.com/", ""}, {"https://www.google.de/", ""}, {"https://www.google.com/", ""}, {"https://www.bing.com/", ""},
		{"https://duckduckgo.com/", ""}, {"https://search.yahoo.com/", ""}, {"https://www.ecosia.org/", ""},
		{"https://www.google.com/", "utm_source=google&utm_medium=organic&utm_campaign=business-profile"}}},
	{"Paid Search", "yes", .07, 1.45, []source{
		{"https://www.google.com/", "utm_source=google&utm_medium=cpc&utm_campaign={brand}-exact&utm_term={brand}&gclid={id}"},
		{"https://www.google.com/", "utm_source=google&utm_medium=cpc&utm_campaign=search-eu&utm_term={brand}+sneakers&gclid={id}"},
		{"https://www.bing.com/", "utm_source=bing&utm_medium=cpc&utm_campaign={brand}&msclkid={id}"}}},
	{"Paid Search", "no", .085, .85, []source{
		{"https://www.google.com/", "utm_source=google&utm_medium=cpc&utm_campaign=search-eu&utm_term=running+shoes&gclid={id}"},
		{"https://www.google.com/", "utm_source=Google&utm_medium=CPC&utm_campaign=Generic&utm_term=trail+shoes&gclid={id}"},
		{"https://www.google.com/", "gad_source=1&gclid={id}"}, {"https://www.bing.com/", "msclkid={id}"},
		{"https://www.bing.com/", "utm_source=bing&utm_medium=ppc&utm_campaign=generic&utm_term=walking+boots&msclkid={id}"}}},
	{"Paid Social", "", .18, .45, []source{
		{"https://m.facebook.com/", "utm_source=facebook&utm_medium=paid_social&utm_campaign=prospecting&utm_content=carousel&fbclid={id}"},
		{"https://l.instagram.com/", "utm_source=instagram&utm_medium=paidsocial&utm_campaign=prospecting&fbclid={id}"},
		{"https://www.facebook.com/", "utm_source=fb&utm_medium=paid&utm_campaign=carts&fbclid={id}"},
		{"https://www.tiktok.com/", "utm_source=tiktok&utm_medium=cpc&utm_campaign=creators&ttclid={id}"},
		{"", "utm_source=pinterest&utm_medium=cpm&utm_campaign=pins"}}},
	{"Organic Social", "", .042, .35, []source{
		{"https://l.facebook.com/", "fbclid={id}"}, {"https://t.co/", ""}, {"https://www.instagram.com/", ""}, {"https://www.reddit.com/", ""},
		{"https://www.pinterest.com/", ""}, {"", "utm_source=instagram&utm_medium=social&utm_campaign=bio"}}},
	{"Email", "", .074, 1.55, []source{
		{"", "utm_source=newsletter&utm_medium=email&utm_campaign=weekly"},
		{"https://mail.google.com/", "utm_source=newsletter&utm_medium=email&utm_campaign=weekly"},
		{"", "utm_source=klaviyo&utm_medium=email&utm_campaign=welcome&utm_content=button"},
		{"", "utm_source=crm&utm_medium=e-mail&utm_campaign=winback"}}},
	{"Referral", "", .03, .85, []source{
		{"https://www.runnersworld.com/gear/", ""}, {"https://blog.trailnotes.example/best-of", ""}, {"https://en.wikipedia.org/", ""},
		{"https://partner.example/list", "utm_source=partner.example&utm_medium=referral"}}},
	{"Affiliates", "", .02, 1.0, []source{
		{"https://www.awin1.com/", "utm_source=awin&utm_medium=affiliate&utm_campaign=4711&awc={id}"},
		{"https://www.retailmenot.com/", "utm_source=cj&utm_medium=affiliate&utm_campaign=coupons"}}},
	{"Display", "", .03, .22, []source{
		{"https://www.theguardian.com/", "utm_source=dv360&utm_medium=display&utm_campaign=prospecting"},
		{"", "utm_source=criteo&utm_medium=banner&utm_campaign=carts"},
		{"https://www.nytimes.com/", "utm_source=taboola&utm_medium=cpm&utm_campaign=native"}}},
	{"Paid Shopping", "", .015, .85, []source{
		{"https://www.google.com/", "utm_source=google&utm_medium=cpc&utm_campaign=shopping-feed&gclid={id}"},
		{"https://www.bing.com/", "utm_source=bing&utm_medium=cpc&utm_campaign=shopping-eu&msclkid={id}"}}},
	{"Organic Video", "", .008, .35, []source{
		{"https://www.youtube.com/", ""}, {"https://m.youtube.com/", ""}, {"https://vimeo.com/", ""}}},
	{"SMS", "", .006, 1.55, []source{
		{"", "utm_source=attentive&utm_medium=sms&utm_campaign=flash"}, {"", "utm_source=postscript&utm_medium=sms&utm_campaign=flash"}}},
}

// backReferrers bring a visitor back from the shop itself ("/...") or from a payment provider.
var backReferrers = []string{"/", "/cart", "/collections/running", "https://www.paypal.com/", "https://www.paypal.com/checkoutnow", "https://paypal.com/"}

// entry is the truth about the session that an event on a page would open. previous: the channel is that of the
// visitor's previous session, else Direct.
type entry struct {
	channel, brand string
	previous       bool
}

// landing is how a visit reaches the shop.
type landing struct {
	referrer, search string
	campaign         *campaign
	entry            entry
	intent           float64
}

// campaign is Segment's context.campaign.
type campaign struct {
	Name    string `json:"name,omitempty"`
	Source  string `json:"source"`
	Medium  string `json:"medium"`
	Term    string `json:"term,omitempty"`
	Content string `json:"content,omitempty"`
}

// land draws a landing of the model's shares.
func (p *planner) land(r *rand.Rand, s *shop, at int64) landing {
	shares := p.channels
	if p.factor(IncidentMix, at) != 1 {
		shares = p.mixed
	}
	c := &channels[shares.pick(r)]
	from := oneOf(r, c.sources)
	l := landing{referrer: from.referrer, entry: entry{channel: c.channel, brand: c.brand}, intent: c.intent / meanIntent}
	if from.query == "" {
		return l
	}
	query := strings.NewReplacer("{brand}", s.brand, "{id}", clickID(r)).Replace(from.query)
	l.search = "?" + query
	if v, err := url.ParseQuery(query); err == nil && v.Has("utm_source") && chance(r, .5) {
		l.campaign = &campaign{Name: v.Get("utm_campaign"), Source: v.Get("utm_source"), Medium: v.Get("utm_medium"),
			Term: v.Get("utm_term"), Content: v.Get("utm_content")}
	}
	return l
}

// back draws a landing from the shop itself or a payment provider: no channel of its own.
func back(r *rand.Rand, s *shop) landing {
	ref := oneOf(r, backReferrers)
	if strings.HasPrefix(ref, "/") {
		ref = s.url + ref
	}
	return landing{referrer: ref, entry: entry{previous: true}, intent: 1}
}

func clickID(r *rand.Rand) string {
	return "Cj0K" + strconv.FormatUint(r.Uint64(), 36) + "_" + strconv.FormatUint(r.Uint64(), 36)
}
