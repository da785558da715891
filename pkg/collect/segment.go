package collect

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/tributary-data/tributary/pkg/enrich"
	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Segment's tracking API: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
// (specification: .../connections/spec/common/).

// segmentItem is one call. Fields that Tributary does not read stay in properties or are dropped.
type segmentItem struct {
	raw                             []byte
	callType, event, name           string
	anonymousID, userID, previousID string
	messageID, timestamp, sentAt    string
	sentFrom, sentTo                int    // where the value of sentAt stands in raw; both 0 if there is none
	properties                      []byte // as sent
	columns                         segmentProperties
	email                           string // of traits
	context                         segmentContext
	null, noObject                  bool
	wrongType                       string // path of the first field with another type than its own
}

// segmentProperties are the properties that become columns: strings, or numbers as written. None makes an event fail.
type segmentProperties struct {
	url, path, title, referrer  string
	productID, sku              string
	orderID, cartID, checkoutID string
	quantity, currency          string
	revenue, total, value       string
	experimentID, variationID   string
	experimentName              string
	variationName               string
	hasPrevious                 bool
}

// place of an item: what its request says about it.
type place struct {
	store    *Store
	client   client
	protocol string
	index    int
	sentAt   string
	body     []byte
	received time.Time
}

// faultOf says what is wrong with an item before anything is derived from it.
func (it *segmentItem) faultOf() *event.Fault {
	switch {
	case it.noObject:
		return &event.Fault{Reason: event.ReasonNotObject, Rule: "an item is a JSON object"}
	case it.wrongType != "":
		return &event.Fault{Reason: event.ReasonFieldType, Path: it.wrongType, Rule: "the field has another JSON type than the specification"}
	}
	return event.Check(event.Facts{Type: it.callType, Name: it.event, MessageID: it.messageID, Visitor: it.anonymousID,
		User: it.userID, Bytes: len(it.raw)})
}

// canonical turns one item into an event, or says what is wrong with it. The event lies in m and lives until the next.
func (h *Handler) canonical(m *messages, it *segmentItem, at place) (*pb.Event, *event.Fault) {
	fault := it.faultOf()
	if fault == nil && it.callType == "alias" {
		fault = it.alias()
	}
	if fault != nil {
		return nil, fault
	}
	e := m.newEvent()
	e.Visitor, e.User, e.MessageId, e.Properties = it.anonymousID, it.userID, it.messageID, it.properties
	e.Sequence, e.Protocol = uint32(at.index), at.protocol
	e.Action = h.config.Names.Segment(it.callType, it.event)
	e.Interactive = h.config.Names.Interactive(e.Action)
	if fault := m.stamp(e, it, at); fault != nil {
		return nil, fault
	}
	m.describe(e, it, at)
	return e, nil
}

// stamp sets ids and times.
func (m *messages) stamp(e *pb.Event, it *segmentItem, at place) *event.Fault {
	original, ok := parseTime(it.timestamp)
	if !ok {
		return &event.Fault{Reason: event.ReasonBadTimestamp, Path: "timestamp", Rule: "ISO 8601, such as 2026-01-02T03:04:05.000Z"}
	}
	sent, ok := parseTime(either(it.sentAt, at.sentAt))
	if !ok {
		return &event.Fault{Reason: event.ReasonBadTimestamp, Path: "sentAt", Rule: "ISO 8601, such as 2026-01-02T03:04:05.000Z"}
	}
	e.OriginalTs, e.SentTs = original, sent
	e.EventTs, e.Flags = event.CorrectTime(original, sent, at.received.UnixMilli())
	switch {
	case it.messageID != "":
		m.id = event.IDFromMessage(it.messageID)
	case original != 0:
		m.id = event.IDFromBody(at.body, at.index)
	default:
		_, _ = rand.Read(m.id[:]) // never returns an error
	}
	e.EventId = m.id[:]
	e.PayloadHash = event.PayloadHash(m.payload(it))
	return nil
}

// payload is what makes two sendings of one id the same: all but the time of sending, which a retry may change.
func (m *messages) payload(it *segmentItem) []byte {
	if it.sentTo == 0 {
		return it.raw
	}
	m.scratch = append(append(m.scratch[:0], it.raw[:it.sentFrom]...), it.raw[it.sentTo:]...)
	return m.scratch
}

// describe fills what the event says: page, product, money, and how a session that starts with it came in.
func (m *messages) describe(e *pb.Event, it *segmentItem, at place) {
	c, p := &it.context.v, &it.columns
	e.Url, e.Path = either(c[ctxURL], p.url), either(c[ctxPath], p.path)
	e.Title, e.Referrer = either(c[ctxTitle], p.title), either(c[ctxReferrer], p.referrer)
	e.UserAgent = either(c[ctxUserAgent], at.client.userAgent)
	e.Product = either(p.productID, p.sku)
	e.OrderId, e.CartToken, e.CheckoutToken = p.orderID, p.cartID, p.checkoutID
	e.Quantity = number(p.quantity)
	if amount := p.amount(); amount != "" && money(&m.money, amount, either(p.currency, at.store.Currency)) {
		e.Money = &m.money
	}
	e.EmailHash = m.emailHash(either(it.email, c[ctxEmail]))
	e.Origin = "server"
	if at.client.pixel || e.Url != "" || e.UserAgent != "" {
		e.Origin = "browser"
	}
	e.Entry = m.newEntry()
	bot := at.store.Enricher.Fill(e.Entry, enrich.Input{URL: e.Url, Referrer: e.Referrer, UserAgent: e.UserAgent,
		Campaign: enrich.Campaign{Source: c[ctxSource], Medium: c[ctxMedium], Name: c[ctxName], Term: c[ctxTerm], Content: c[ctxContent]}})
	if c[ctxConsent] != "" {
		e.Entry.Consent = consents.of(c[ctxConsent])
	}
	if e.Action == event.ExperimentViewed {
		e.Entry.Variants = p.variants()
	}
	if e.Origin == "browser" { // a server's country is not its customer's
		e.Entry.Country = at.client.country
	}
	if bot {
		e.Flags |= event.FlagBot
	}
	if at.client.internal {
		e.Flags |= event.FlagInternal
	}
}

// emailHash is SHA-256 of the address in lower case, in hex; the address itself is kept nowhere but in traits.
func (m *messages) emailHash(address string) string {
	address = strings.ToLower(strings.TrimSpace(address))
	if address == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(address))
	hex.Encode(m.hex[:], sum[:])
	return view(m.hex[:])
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
