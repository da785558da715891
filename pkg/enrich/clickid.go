package enrich

import "net/url"

// clickSource is whom a click id belongs to. paid: only advertisements carry it (fbclid is on organic links too).
type clickSource struct {
	source string
	paid   bool
}

// clickSources by URL parameter.
var clickSources = map[string]clickSource{
	"gclid": {"google", true}, "gbraid": {"google", true}, "wbraid": {"google", true}, "dclid": {"google", false},
	"msclkid": {"bing", true}, "fbclid": {"facebook", false}, "ttclid": {"tiktok", true}, "twclid": {"twitter", true},
	"li_fat_id": {"linkedin", true}, "epik": {"pinterest", true}, "rdt_cid": {"reddit", true}, "sccid": {"snapchat", true},
}

// clickIDs in the order of preference when an address carries several.
var clickIDs = []string{"gclid", "gbraid", "wbraid", "msclkid", "ttclid", "twclid", "li_fat_id", "epik", "rdt_cid", "sccid", "dclid", "fbclid"}

// clickID is the advertisement click that brought the visit.
func clickID(q url.Values) (kind, id string) {
	for _, k := range clickIDs {
		if v := q.Get(k); v != "" {
			return k, v
		}
	}
	return "", ""
}
