package session

import "strings"

// Consent of a session, a closed set; empty where its first event says none, as before a visitor has answered the banner.
const (
	ConsentGranted     = "granted"     // analytics and advertising, or the only one of the two that was asked for
	ConsentDenied      = "denied"      // neither
	ConsentAnalytics   = "analytics"   // analytics and not advertising
	ConsentAdvertising = "advertising" // advertising and not analytics
	ConsentPartial     = "partial"     // within one of them some categories were agreed to and some were not
)

// answers to the categories of one purpose.
type answers struct{ yes, no bool }

func (a answers) mixed() bool { return a.yes && a.no }

// consent is the closed value of an event's categories, which come as name=1 and name=0, joined by commas. Their names are
// the storefront's: known ones are those of consent mode (ad_storage, ad_user_data, ad_personalization,
// analytics_storage), of OneTrust (C0002, C0004, C0005), and words in common use. What is necessary or functional says
// nothing about measuring. Where no name is known, all categories count as one purpose.
func consent(categories string) string {
	var analytics, advertising, other answers
	for c := range strings.SplitSeq(categories, ",") {
		name, agreed, ok := strings.Cut(c, "=")
		if !ok {
			continue
		}
		a := &other
		switch purpose(strings.ToLower(name)) {
		case ConsentAnalytics:
			a = &analytics
		case ConsentAdvertising:
			a = &advertising
		}
		a.yes, a.no = a.yes || agreed == "1", a.no || agreed != "1"
	}
	if analytics == (answers{}) && advertising == (answers{}) {
		analytics = other
	}
	switch {
	case analytics.mixed() || advertising.mixed():
		return ConsentPartial
	case analytics.yes && advertising.no:
		return ConsentAnalytics
	case analytics.no && advertising.yes:
		return ConsentAdvertising
	case analytics.yes || advertising.yes:
		return ConsentGranted
	case analytics.no || advertising.no:
		return ConsentDenied
	}
	return ""
}

// purpose of a category by its name in small letters; empty for others.
func purpose(name string) string {
	switch name {
	case "c0002":
		return ConsentAnalytics
	case "c0004", "c0005", "ads", "ad_storage", "ad_user_data", "ad_personalization":
		return ConsentAdvertising
	}
	for _, word := range []string{"advertis", "marketing", "targeting"} {
		if strings.Contains(name, word) {
			return ConsentAdvertising
		}
	}
	for _, word := range []string{"analytic", "performance", "statistic", "measurement"} {
		if strings.Contains(name, word) {
			return ConsentAnalytics
		}
	}
	return ""
}
