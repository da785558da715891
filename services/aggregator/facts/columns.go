package facts

import (
	"strings"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// columns are the rows of tributary.events since the last commit, column by column: a row of forty-six boxed values for each
// event was a third of what the stage cost. Texts alias the records that they came in.
type columns struct {
	boxes boxes

	id, properties                                                                                         [][]byte
	visitor, user, messageID, url, path, title, referrer, source, medium, campaign, term, content, clickID []string
	product, order, cart, checkout                                                                         []string
	store, action, channel, brand, clickIDKind, device, os, browser, country, currency, protocol, origin   []any // low cardinality
	version, payload                                                                                       []uint64
	generation, late, interactive                                                                          []uint8
	partition                                                                                              []uint16
	sequence, flags                                                                                        []uint32
	offset, ingestTS, eventTS, originalTS, sentTS, value                                                   []int64
	quantity                                                                                               []float64
}

// add adds a row.
func (c *columns) add(f *Fold, rec *pb.Record, e *pb.Event, late bool) {
	en, m := e.Entry, e.Money
	if en == nil {
		en = &pb.Entry{}
	}
	for _, t := range []struct {
		column *[]string
		text   string
	}{{&c.visitor, e.Visitor}, {&c.user, e.User}, {&c.messageID, e.MessageId}, {&c.url, e.Url}, {&c.path, e.Path},
		{&c.title, e.Title}, {&c.referrer, e.Referrer}, {&c.source, en.Source}, {&c.medium, en.Medium}, {&c.campaign, en.Campaign}, {&c.term, en.Term},
		{&c.content, en.Content}, {&c.clickID, en.ClickId}, {&c.product, e.Product}, {&c.order, e.OrderId}, {&c.cart, e.CartToken},
		{&c.checkout, e.CheckoutToken}} {
		*t.column = append(*t.column, t.text)
	}
	for _, t := range []struct {
		column *[]any
		text   string
	}{{&c.store, rec.Store}, {&c.action, e.Action}, {&c.channel, en.Channel}, {&c.brand, en.BrandSearch}, {&c.clickIDKind, en.ClickIdKind},
		{&c.device, en.Device}, {&c.os, en.Os}, {&c.browser, en.Browser}, {&c.country, en.Country}, {&c.currency, m.GetCurrency()},
		{&c.protocol, e.Protocol}, {&c.origin, e.Origin}} {
		*t.column = append(*t.column, c.boxes.of(t.text))
	}
	c.id, c.properties = append(c.id, e.EventId), append(c.properties, e.Properties)
	c.version, c.payload = append(c.version, f.firstWins()), append(c.payload, e.PayloadHash)
	c.generation, c.partition, c.offset = append(c.generation, f.generation), append(c.partition, f.partition), append(c.offset, f.last)
	c.ingestTS, c.eventTS = append(c.ingestTS, max(rec.IngestTs, 0)), append(c.eventTS, max(e.EventTs, 0))
	c.originalTS, c.sentTS = append(c.originalTS, max(e.OriginalTs, 0)), append(c.sentTS, max(e.SentTs, 0))
	c.sequence, c.flags = append(c.sequence, e.Sequence), append(c.flags, e.Flags)
	c.late, c.interactive = append(c.late, bit(late)), append(c.interactive, bit(e.Interactive))
	c.quantity, c.value = append(c.quantity, e.Quantity), append(c.value, m.GetMinor())
}

// block is the rows, in the order of table.Events; times are Unix milliseconds.
func (c *columns) block() clickhouse.Block {
	return clickhouse.Block{c.store, c.visitor, c.id, c.version, c.generation, c.partition, c.offset, c.ingestTS, c.eventTS, c.originalTS, c.sentTS,
		c.sequence, c.late, c.flags, c.user, c.action, c.interactive, c.messageID, c.url, c.path, c.title, c.referrer, c.channel, c.source, c.medium,
		c.campaign, c.term, c.content, c.brand, c.clickIDKind, c.clickID, c.device, c.os, c.browser, c.country, c.product, c.quantity, c.value,
		c.currency, c.order, c.cart, c.checkout, c.payload, c.properties, c.protocol, c.origin}
}

// reset drops the rows and keeps the room for as many.
func (c *columns) reset() {
	for _, s := range []*[]string{&c.visitor, &c.user, &c.messageID, &c.url, &c.path, &c.title, &c.referrer, &c.source, &c.medium, &c.campaign,
		&c.term, &c.content, &c.clickID, &c.product, &c.order, &c.cart, &c.checkout} {
		clear(*s) // or the records that they alias would stay
		*s = (*s)[:0]
	}
	for _, s := range []*[][]byte{&c.id, &c.properties} {
		clear(*s)
		*s = (*s)[:0]
	}
	for _, s := range []*[]any{&c.store, &c.action, &c.channel, &c.brand, &c.clickIDKind, &c.device, &c.os, &c.browser, &c.country, &c.currency,
		&c.protocol, &c.origin} {
		*s = (*s)[:0]
	}
	c.version, c.payload, c.generation, c.late, c.interactive = c.version[:0], c.payload[:0], c.generation[:0], c.late[:0], c.interactive[:0]
	c.partition, c.sequence, c.flags, c.offset = c.partition[:0], c.sequence[:0], c.flags[:0], c.offset[:0]
	c.ingestTS, c.eventTS, c.originalTS, c.sentTS = c.ingestTS[:0], c.eventTS[:0], c.originalTS[:0], c.sentTS[:0]
	c.value, c.quantity = c.value[:0], c.quantity[:0]
}

// boxes are texts of columns that hold few different ones, each boxed once. When there are many after all, they begin anew.
type boxes map[string]any

const maxBoxes = 1 << 14

// text is s as a text that may be kept.
func (b *boxes) text(s string) string { return b.of(s).(string) }

func (b *boxes) of(s string) any {
	if v, ok := (*b)[s]; ok {
		return v
	}
	if *b == nil || len(*b) >= maxBoxes {
		*b = boxes{}
	}
	own := strings.Clone(s) // it aliases a record
	var v any = own
	(*b)[own] = v
	return v
}
