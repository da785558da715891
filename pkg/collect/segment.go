package collect

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/tributary-data/tributary/pkg/enrich"
	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Segment's tracking API: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
// (specification: .../connections/spec/common/).

// segmentBody is a batch, or with Batch empty a single call.
type segmentBody struct {
	Batch    []jsontext.Value `json:"batch"`
	Context  segmentContext   `json:"context"`
	SentAt   string           `json:"sentAt"`
	WriteKey string           `json:"writeKey"`
}

// segmentItem is one call. Fields that Tributary does not read stay in Properties or are dropped.
type segmentItem struct {
	Type        string         `json:"type"`
	Event       string         `json:"event"`
	Name        string         `json:"name"`
	AnonymousID string         `json:"anonymousId"`
	UserID      string         `json:"userId"`
	MessageID   string         `json:"messageId"`
	Timestamp   string         `json:"timestamp"`
	SentAt      string         `json:"sentAt"`
	Properties  jsontext.Value `json:"properties"`
	Traits      jsontext.Value `json:"traits"`
	Context     segmentContext `json:"context"`
}

type segmentContext struct {
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
}

// segmentProperties are the properties that become columns. As raw values they never make an event fail.
type segmentProperties struct {
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
}

// jsonOptions: a doubled name is legal JSON, and the last one counts.
var jsonOptions = json.JoinOptions(jsontext.AllowDuplicateNames(true))

// decodeSegment reads a body. A single call becomes a batch of one, with the type of its path.
func decodeSegment(body []byte) (segmentBody, error) {
	var b segmentBody
	err := json.Unmarshal(body, &b, jsonOptions)
	return b, err
}

// canonical turns one item into an event, or says what is wrong with it.
func (h *Handler) canonical(st *Store, raw []byte, at place) (*pb.Event, *event.Fault) {
	it := segmentItem{Type: at.callType, Context: at.context}
	if err := json.Unmarshal(raw, &it, jsonOptions); err != nil {
		return nil, faultOf(err)
	}
	fault := event.Check(event.Facts{Type: it.Type, Name: it.Event, MessageID: it.MessageID, Visitor: it.AnonymousID,
		User: it.UserID, Bytes: len(raw)})
	if fault != nil {
		return nil, fault
	}
	e := &pb.Event{Visitor: it.AnonymousID, User: it.UserID, Action: h.config.Names.Segment(it.Type, it.Event), Sequence: uint32(at.index),
		MessageId: it.MessageID, Protocol: "segment", Properties: it.Properties}
	e.Interactive = h.config.Names.Interactive(e.Action)
	if f := h.stamp(e, &it, raw, at); f != nil {
		return nil, f
	}
	h.describe(st, e, &it)
	return e, nil
}

// place of an item: what its request says about it.
type place struct {
	callType string
	index    int
	sentAt   string
	body     []byte
	context  segmentContext
	received time.Time
}

// stamp sets ids and times.
func (h *Handler) stamp(e *pb.Event, it *segmentItem, raw []byte, at place) *event.Fault {
	original, ok := parseTime(it.Timestamp)
	if !ok {
		return &event.Fault{Reason: event.ReasonBadTimestamp, Path: "timestamp", Rule: "ISO 8601, such as 2026-01-02T03:04:05.000Z"}
	}
	sent, ok := parseTime(either(it.SentAt, at.sentAt))
	if !ok {
		return &event.Fault{Reason: event.ReasonBadTimestamp, Path: "sentAt", Rule: "ISO 8601, such as 2026-01-02T03:04:05.000Z"}
	}
	var flags uint32
	e.OriginalTs, e.SentTs = original, sent
	e.EventTs, flags = event.CorrectTime(original, sent, at.received.UnixMilli())
	e.Flags |= flags
	id := event.IDFromMessage(it.MessageID)
	switch {
	case it.MessageID != "":
	case original != 0:
		id = event.IDFromBody(at.body, at.index)
	default:
		_, _ = rand.Read(id[:]) // never returns an error
	}
	e.EventId = id[:]
	e.PayloadHash = event.PayloadHash(payload(it, raw))
	return nil
}

// payload is what makes two sendings of one id the same: all but the time of sending, which a retry may change.
func payload(it *segmentItem, raw []byte) []byte {
	if it.SentAt == "" {
		return raw
	}
	return bytes.ReplaceAll(raw, []byte(it.SentAt), nil)
}

// describe fills what the event says: page, product, money, and how a session that starts with it came in.
func (h *Handler) describe(st *Store, e *pb.Event, it *segmentItem) {
	var p segmentProperties
	if len(it.Properties) > 0 && it.Properties.Kind() == '{' {
		if err := json.Unmarshal(it.Properties, &p, jsonOptions); err != nil {
			p = segmentProperties{} // valid JSON whose fields are all raw: cannot happen, and costs the columns only
		}
	}
	page, c := it.Context.Page, it.Context.Campaign
	e.Url, e.Path = either(page.URL, text(p.URL)), either(page.Path, text(p.Path))
	e.Title, e.Referrer = either(page.Title, text(p.Title)), either(page.Referrer, text(p.Referrer))
	e.UserAgent = it.Context.UserAgent
	e.Product = either(text(p.ProductID), text(p.SKU))
	e.OrderId, e.CartToken, e.CheckoutToken = text(p.OrderID), text(p.CartID), text(p.CheckoutID)
	e.Quantity = number(p.Quantity)
	e.Money = money(&p, st.Currency)
	e.EmailHash = emailHash(it)
	e.Origin = "server"
	if e.Url != "" || e.UserAgent != "" {
		e.Origin = "browser"
	}
	entry, bot := st.Enricher.Entry(enrich.Input{URL: e.Url, Referrer: e.Referrer, UserAgent: e.UserAgent,
		Campaign: enrich.Campaign{Source: c.Source, Medium: c.Medium, Name: c.Name, Term: c.Term, Content: c.Content}})
	e.Entry = entry
	if bot {
		e.Flags |= event.FlagBot
	}
}

// emailHash is SHA-256 of the address in lower case, in hex; the address itself is kept nowhere but in traits.
func emailHash(it *segmentItem) string {
	var t struct {
		Email jsontext.Value `json:"email"`
	}
	if len(it.Traits) > 0 && it.Traits.Kind() == '{' {
		_ = json.Unmarshal(it.Traits, &t, jsonOptions) // a raw field of valid JSON does not fail
	}
	address := strings.ToLower(strings.TrimSpace(either(text(t.Email), text(it.Context.Traits.Email))))
	if address == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(address))
	return hex.EncodeToString(sum[:])
}

// faultOf says which field of an item has the wrong type.
func faultOf(err error) *event.Fault {
	f := &event.Fault{Reason: event.ReasonFieldType, Rule: "the field has another JSON type than the specification"}
	var sem *json.SemanticError
	if errors.As(err, &sem) {
		f.Path = strings.ReplaceAll(strings.TrimPrefix(string(sem.JSONPointer), "/"), "/", ".")
		if f.Path == "" {
			f.Reason, f.Rule = event.ReasonNotObject, "an item is a JSON object"
		}
	}
	return f
}

// parseTime reads ISO 8601; an absent time is 0.
func parseTime(s string) (ms int64, ok bool) {
	if s == "" {
		return 0, true
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, false
	}
	return t.UnixMilli(), true
}
