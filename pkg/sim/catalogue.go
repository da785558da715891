package sim

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// product is a line of Segment's products; amounts are in units of the currency.
type product struct {
	ProductID string      `json:"product_id"`
	SKU       string      `json:"sku"`
	Name      string      `json:"name"`
	Brand     string      `json:"brand"`
	Category  string      `json:"category"`
	Price     json.Number `json:"price"`
	Quantity  int         `json:"quantity"`

	minor int64
}

func (p product) path() string { return "/products/" + strings.ToLower(p.SKU) }

// properties of a track or page call; a field that a call does not have is empty.
type properties struct {
	*product
	Products    []product   `json:"products,omitempty"`
	ListID      string      `json:"list_id,omitempty"`
	CategoryOf  string      `json:"list_category,omitempty"`
	Query       string      `json:"query,omitempty"`
	CartID      string      `json:"cart_id,omitempty"`
	CheckoutID  string      `json:"checkout_id,omitempty"`
	OrderID     string      `json:"order_id,omitempty"`
	Step        int         `json:"step,omitempty"`
	Shipping    json.Number `json:"shipping,omitempty"`
	Tax         json.Number `json:"tax,omitempty"`
	Revenue     json.Number `json:"revenue,omitempty"`
	Total       json.Number `json:"total,omitempty"`
	Value       json.Number `json:"value,omitempty"`
	Currency    string      `json:"currency,omitempty"`
	Method      string      `json:"payment_method,omitempty"`
	WishlistID  string      `json:"wishlist_id,omitempty"`
	ShareVia    string      `json:"share_via,omitempty"`
	VideoID     string      `json:"session_id,omitempty"`
	TotalLength int         `json:"total_length,omitempty"`
	Placement   string      `json:"placement,omitempty"`
	Title       string      `json:"title,omitempty"`
	Path        string      `json:"path,omitempty"`
	URL         string      `json:"url,omitempty"`
	Referrer    string      `json:"referrer,omitempty"`
	Search      string      `json:"search,omitempty"`
}

var (
	categories = []string{"running", "trail", "hiking", "street", "kids"}
	queries    = []string{"waterproof", "wide fit", "red sneakers", "size 46", "sale", "boots & laces"}
)

// catalogue is the shop's products, in the order of their popularity.
func catalogue(brand string) []product {
	out := make([]product, products)
	for i := range out {
		minor := int64(990 + i*7919%24000)
		out[i] = product{ProductID: fmt.Sprintf("p%04d", i+1), SKU: fmt.Sprintf("SKU-%04d", i+1), Name: fmt.Sprintf("Model %d", i+1),
			Brand: brand, Category: categories[i%len(categories)], Price: decimal(minor), Quantity: 1, minor: minor}
	}
	return out
}

// popularity is Zipf over the catalogue.
func popularity() weights {
	return weigh(products, func(i int) float64 { return math.Pow(float64(i+1), -productsZipf) })
}

// minorPerCent is what a cent of the euro is worth in minor units of a currency, about: it scales what people spend.
var minorPerCent = map[string]float64{"EUR": 1, "USD": 1.08, "GBP": .86, "CAD": 1.5, "INR": 92, "JPY": 1.65}

// amount writes minor units of a currency as a JSON number.
func amount(minor int64, currency string) json.Number {
	if currency == "JPY" {
		return json.Number(strconv.FormatInt(minor, 10))
	}
	return decimal(minor)
}

// basket draws products whose prices add up to a drawn order value: the value is the model's parameter, not the prices.
func (p *planner) basket(r *rand.Rand, v *visitor, currency string) []product {
	value := max(int64(lognormal(r, orderMedian*v.device.orderFactor, orderSigma)*100*minorPerCent[currency]), 100)
	n := 1 + min(int(r.ExpFloat64()), 3)
	out := make([]product, n)
	for i := range out {
		share := value / int64(n-i)
		if i < n-1 {
			share = max(share*int64(50+r.IntN(100))/100, 1)
		}
		value -= share
		out[i] = v.shop.catalogue[p.popularity.pick(r)]
		out[i].minor, out[i].Price = share, amount(share, currency)
	}
	return out
}

func sum(basket []product) (minor int64) {
	for _, b := range basket {
		minor += b.minor
	}
	return minor
}

// decimal writes minor units of a currency with two decimals as JavaScript prints the number: no trailing zeros.
func decimal(minor int64) json.Number {
	s := strconv.FormatInt(minor/100, 10)
	if frac := minor % 100; frac != 0 {
		s += "." + strings.TrimRight(fmt.Sprintf("%02d", frac), "0")
	}
	return json.Number(s)
}
