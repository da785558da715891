package event

import "strings"

// Canonical actions (design §4). A store's own names are any other lower-case names.
const (
	PageViewed           = "page_viewed"
	ListViewed           = "list_viewed"
	ProductViewed        = "product_viewed"
	Searched             = "searched"
	WishlistAdded        = "wishlist_added"
	CartAdded            = "cart_added"
	CartRemoved          = "cart_removed"
	CartViewed           = "cart_viewed"
	CheckoutStarted      = "checkout_started"
	ShippingSubmitted    = "shipping_submitted"
	PaymentSubmitted     = "payment_submitted"
	CouponApplied        = "coupon_applied"
	CouponDenied         = "coupon_denied"
	Purchased            = "purchased"
	TrialStarted         = "trial_started"
	SubscriptionCharged  = "subscription_charged"
	Refunded             = "refunded"
	NewsletterSubscribed = "newsletter_subscribed"
	EmailCaptured        = "email_captured"
	AccountCreated       = "account_created"
	LoggedIn             = "logged_in"
	Identified           = "identified"
	VideoStarted         = "video_started"
	VideoCompleted       = "video_completed"
	Shared               = "shared"
	Reviewed             = "reviewed"
	Referred             = "referred"
	PromoViewed          = "promo_viewed"
	PromoClicked         = "promo_clicked"
	ExperimentViewed     = "experiment_viewed"
)

// segmentNames maps Segment's e-commerce v2 names, their v1 aliases and a few of other Segment specs
// (features.md §2.2 and §2.9) to canonical actions.
func segmentName(name string) (string, bool) {
	switch strings.ToLower(name) {
	case "products searched":
		return Searched, true
	case "product list viewed", "viewed product category":
		return ListViewed, true
	case "product list filtered":
		return "list_filtered", true
	case "product clicked", "clicked product":
		return "list_clicked", true
	case "product viewed", "viewed product":
		return ProductViewed, true
	case "product added", "added product", "wishlist product added to cart":
		return CartAdded, true
	case "product removed", "removed product":
		return CartRemoved, true
	case "cart viewed":
		return CartViewed, true
	case "product added to wishlist":
		return WishlistAdded, true
	case "product removed from wishlist":
		return "wishlist_removed", true
	case "checkout started", "started order":
		return CheckoutStarted, true
	case "checkout step viewed", "viewed checkout step":
		return "checkout_step_viewed", true
	case "checkout step completed", "completed checkout step":
		return ShippingSubmitted, true
	case "payment info entered":
		return PaymentSubmitted, true
	case "order completed", "completed order":
		return Purchased, true
	case "order refunded":
		return Refunded, true
	case "coupon applied":
		return CouponApplied, true
	case "coupon denied":
		return CouponDenied, true
	case "promotion viewed", "viewed promotion":
		return PromoViewed, true
	case "promotion clicked", "clicked promotion":
		return PromoClicked, true
	case "product shared", "cart shared":
		return Shared, true
	case "product reviewed":
		return Reviewed, true
	}
	return lifecycleName(strings.ToLower(name))
}

func lifecycleName(name string) (string, bool) {
	switch name {
	case "experiment viewed":
		return ExperimentViewed, true
	case "video playback started", "video content started":
		return VideoStarted, true
	case "video playback completed", "video content completed":
		return VideoCompleted, true
	case "signed up", "account created":
		return AccountCreated, true
	case "signed in":
		return LoggedIn, true
	case "newsletter subscribed":
		return NewsletterSubscribed, true
	case "email captured":
		return EmailCaptured, true
	case "trial started":
		return TrialStarted, true
	case "subscription charged":
		return SubscriptionCharged, true
	case "email opened":
		return "email_opened", true
	case "email link clicked":
		return "email_link_clicked", true
	case "email bounced":
		return "email_bounced", true
	case "unsubscribed":
		return "unsubscribed", true
	}
	return "", false
}
