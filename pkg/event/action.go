package event

import "strings"

// Action is the canonical action of a Segment call. Unknown track names become the store's own: lower case, with
// underscores for spaces.
func Action(callType, name string) string {
	switch callType {
	case "page", "screen":
		return PageViewed
	case "identify", "group", "alias":
		return Identified
	}
	if a, ok := segmentName(name); ok {
		return a
	}
	return strings.Join(strings.Fields(strings.ToLower(name)), "_")
}

// Interactive tells whether an action opens and extends sessions (features.md §2.9).
func Interactive(action string) bool {
	switch action {
	case Refunded, SubscriptionCharged, Identified, "email_opened", "email_link_clicked", "email_bounced", "unsubscribed":
		return false
	}
	return true
}
