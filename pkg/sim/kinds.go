package sim

// kind is a call of Segment's: its type, the name of a track call, the canonical action that it means, and whether
// that action opens and extends sessions.
type kind struct {
	call, name, action string
	interactive        bool
}

var (
	pageViewed    = &kind{"page", "", "page_viewed", true}
	searched      = &kind{"track", "Products Searched", "searched", true}
	listViewed    = &kind{"track", "Product List Viewed", "list_viewed", true}
	productViewed = &kind{"track", "Product Viewed", "product_viewed", true}
	cartAdded     = &kind{"track", "Product Added", "cart_added", true}
	cartViewed    = &kind{"track", "Cart Viewed", "cart_viewed", true}
	checkout      = &kind{"track", "Checkout Started", "checkout_started", true}
	shipping      = &kind{"track", "Checkout Step Completed", "shipping_submitted", true}
	payment       = &kind{"track", "Payment Info Entered", "payment_submitted", true}
	purchased     = &kind{"track", "Order Completed", "purchased", true}
	wishlisted    = &kind{"track", "Product Added to Wishlist", "wishlist_added", true}
	subscribed    = &kind{"track", "Newsletter Subscribed", "newsletter_subscribed", true}
	registered    = &kind{"track", "Account Created", "account_created", true}
	videoStarted  = &kind{"track", "Video Playback Started", "video_started", true}
	shared        = &kind{"track", "Product Shared", "shared", true}
	identified    = &kind{"identify", "", "identified", false}
	refunded      = &kind{"track", "Order Refunded", "refunded", false}
	emailOpened   = &kind{"track", "Email Opened", "email_opened", false}
)

// page is a view of one address: all events on it carry the same context.
type page struct {
	Path     string `json:"path"`
	Referrer string `json:"referrer"`
	Search   string `json:"search"`
	Title    string `json:"title"`
	URL      string `json:"url"`

	campaign *campaign
	entry    entry
}
