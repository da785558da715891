package collect

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/tributary-data/tributary/pkg/event"
)

// The oracle decodes with json/v2 (github.com/go-json-experiment/json) what the decoder reads by hand: slower, and of
// other hands. Both must take and refuse the same bodies, with the same fields, faults and positions.

// oracleBody is a batch.
type oracleBody struct {
	Batch    []jsontext.Value `json:"batch"`
	Context  oracleContext    `json:"context"`
	SentAt   string           `json:"sentAt"`
	WriteKey string           `json:"writeKey"`
}

// oracleCall is a single call as far as the request is concerned: all else is the item's.
type oracleCall struct {
	WriteKey string `json:"writeKey"`
}

type oracleItem struct {
	Type        string         `json:"type"`
	Event       string         `json:"event"`
	Name        string         `json:"name"`
	AnonymousID string         `json:"anonymousId"`
	UserID      string         `json:"userId"`
	PreviousID  jsontext.Value `json:"previousId"`
	MessageID   string         `json:"messageId"`
	Timestamp   string         `json:"timestamp"`
	SentAt      string         `json:"sentAt"`
	Properties  jsontext.Value `json:"properties"`
	Traits      jsontext.Value `json:"traits"`
	Context     oracleContext  `json:"context"`
}

type oracleContext struct {
	Page struct {
		URL      string `json:"url"`
		Path     string `json:"path"`
		Title    string `json:"title"`
		Referrer string `json:"referrer"`
	} `json:"page"`
	Campaign struct {
		Name    string `json:"name"`
		Source  string `json:"source"`
		Medium  string `json:"medium"`
		Term    string `json:"term"`
		Content string `json:"content"`
	} `json:"campaign"`
	UserAgent string `json:"userAgent"`
	Traits    struct {
		Email jsontext.Value `json:"email"`
	} `json:"traits"`
	Consent jsontext.Value `json:"consent"`
}

type oracleProperties struct {
	URL        jsontext.Value `json:"url"`
	Path       jsontext.Value `json:"path"`
	Title      jsontext.Value `json:"title"`
	Referrer   jsontext.Value `json:"referrer"`
	ProductID  jsontext.Value `json:"product_id"`
	SKU        jsontext.Value `json:"sku"`
	OrderID    jsontext.Value `json:"order_id"`
	CartID     jsontext.Value `json:"cart_id"`
	CheckoutID jsontext.Value `json:"checkout_id"`
	Quantity   jsontext.Value `json:"quantity"`
	Currency   jsontext.Value `json:"currency"`
	Revenue    jsontext.Value `json:"revenue"`
	Total      jsontext.Value `json:"total"`
	Value      jsontext.Value `json:"value"`
	PreviousID jsontext.Value `json:"previousId"`

	ExperimentID   jsontext.Value `json:"experiment_id"`
	ExperimentName jsontext.Value `json:"experiment_name"`
	VariationID    jsontext.Value `json:"variation_id"`
	VariationName  jsontext.Value `json:"variation_name"`
}

// oracleOptions: a doubled name is legal JSON, and the last one counts.
var oracleOptions = json.JoinOptions(jsontext.AllowDuplicateNames(true))

// oracleResult is what a body holds.
type oracleResult struct {
	writeKey, sentAt string
	items            []segmentItem
	faults           []*event.Fault // of type only
}

func oracle(body []byte, callType string) (oracleResult, error) {
	var b oracleBody
	var err error
	if callType != "" {
		var c oracleCall
		err = json.Unmarshal(body, &c, oracleOptions)
		b = oracleBody{WriteKey: c.WriteKey, Batch: []jsontext.Value{body}}
	} else {
		err = json.Unmarshal(body, &b, oracleOptions)
	}
	out := oracleResult{writeKey: b.WriteKey, sentAt: b.SentAt}
	if err != nil {
		return out, err
	}
	for _, raw := range b.Batch {
		it := oracleItem{Type: callType, Context: b.Context}
		// json/v2 writes into the memory of a raw value that is there: without a copy the next item would see it.
		it.Context.Consent, it.Context.Traits.Email = b.Context.Consent.Clone(), b.Context.Traits.Email.Clone()
		fault := oracleFault(json.Unmarshal(raw, &it, oracleOptions))
		out.items = append(out.items, it.item(raw))
		out.faults = append(out.faults, fault)
	}
	return out, nil
}

// item is an oracle's item in the form of the decoder's.
func (it *oracleItem) item(raw []byte) segmentItem {
	var p oracleProperties
	if it.Properties.Kind() == '{' {
		if err := json.Unmarshal(it.Properties, &p, oracleOptions); err != nil {
			panic(err)
		}
	}
	var t struct {
		Email jsontext.Value `json:"email"`
	}
	if it.Traits.Kind() == '{' {
		if err := json.Unmarshal(it.Traits, &t, oracleOptions); err != nil {
			panic(err)
		}
	}
	c := it.Context
	return segmentItem{raw: raw, callType: it.Type, event: it.Event, name: it.Name, anonymousID: it.AnonymousID, userID: it.UserID,
		previousID: loose(it.PreviousID), messageID: it.MessageID, timestamp: it.Timestamp, sentAt: it.SentAt,
		properties: it.Properties, email: loose(t.Email),
		columns: segmentProperties{url: loose(p.URL), path: loose(p.Path), title: loose(p.Title), referrer: loose(p.Referrer),
			productID: loose(p.ProductID), sku: loose(p.SKU), orderID: loose(p.OrderID), cartID: loose(p.CartID),
			checkoutID: loose(p.CheckoutID), quantity: loose(p.Quantity), currency: loose(p.Currency),
			revenue: loose(p.Revenue), total: loose(p.Total), value: loose(p.Value), hasPrevious: p.PreviousID != nil,
			experimentID: loose(p.ExperimentID), experimentName: loose(p.ExperimentName), variationID: loose(p.VariationID), variationName: loose(p.VariationName)},
		context: segmentContext{v: [ctxFields]string{c.Page.URL, c.Page.Path, c.Page.Title, c.Page.Referrer, c.Campaign.Name,
			c.Campaign.Source, c.Campaign.Medium, c.Campaign.Term, c.Campaign.Content, c.UserAgent, loose(c.Traits.Email), string(c.Consent)}}}
}

// loose is a JSON string's content or a number as written; empty for everything else.
func loose(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		b, err := jsontext.AppendUnquote(nil, v)
		if err != nil {
			panic(err)
		}
		return string(b)
	case '0':
		return string(v)
	}
	return ""
}

// oracleFault says which field of an item has the wrong type.
func oracleFault(err error) *event.Fault {
	if err == nil {
		return nil
	}
	var sem *json.SemanticError
	if !errors.As(err, &sem) {
		panic(err)
	}
	if sem.JSONPointer == "" {
		return &event.Fault{Reason: event.ReasonNotObject}
	}
	return &event.Fault{Reason: event.ReasonFieldType, Path: strings.ReplaceAll(string(sem.JSONPointer[1:]), "/", ".")}
}

// oraclePosition is where json/v2 sees a body's fault, and of what class it is.
func oraclePosition(err error) (at int, pointer, class string) {
	var syn *jsontext.SyntacticError
	if errors.As(err, &syn) {
		return int(syn.ByteOffset), "", "malformed"
	}
	var sem *json.SemanticError
	if !errors.As(err, &sem) {
		panic(err)
	}
	return int(sem.ByteOffset), string(sem.JSONPointer), "unexpected"
}
