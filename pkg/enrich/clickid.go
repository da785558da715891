package enrich

// clickID is a URL parameter that an advertisement's click leaves. paid: only advertisements carry it (fbclid is on
// organic links too).
type clickID struct {
	name, source string
	paid         bool
}

// clickIDs in the order of preference when an address carries several.
var clickIDs = [parameters - firstClick]clickID{
	{"gclid", "google", true}, {"gbraid", "google", true}, {"wbraid", "google", true}, {"msclkid", "bing", true},
	{"ttclid", "tiktok", true}, {"twclid", "twitter", true}, {"li_fat_id", "linkedin", true}, {"epik", "pinterest", true},
	{"rdt_cid", "reddit", true}, {"sccid", "snapchat", true}, {"dclid", "google", false}, {"fbclid", "facebook", false},
}

// click is the advertisement click that brought the visit.
func (p *params) click() (kind clickID, id string) {
	for i := range clickIDs {
		if v := p.v[firstClick+i]; v != "" {
			return clickIDs[i], v
		}
	}
	return clickID{}, ""
}
