package visitor

import pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"

// incoming is what the fold needs of a record that carries an event. Its bytes alias the record.
type incoming struct {
	store    []byte
	ingestTS int64
	flags    uint32 // of the envelope

	id, visitor, user, email, action []byte
	product, order, cart, checkout   []byte
	entry                            []byte // an encoded Entry; nil = none
	currency                         []byte
	minor, ts                        int64
	payload                          uint64
	sequence, eventFlags             uint32
	interactive                      bool
}

// Tags of the fields of schemas/proto/tributary/v1/record.proto and event.proto.
const (
	recordKind, recordStore, recordIngestTS = 1<<3 | wireVarint, 2<<3 | wireBytes, 3<<3 | wireVarint
	recordFlags, recordEvent                = 4<<3 | wireVarint, 10<<3 | wireBytes

	eventID, eventVisitor, eventUser, eventEmail   = 1<<3 | wireBytes, 2<<3 | wireBytes, 3<<3 | wireBytes, 4<<3 | wireBytes
	eventAction, eventInteractive, eventTS         = 5<<3 | wireBytes, 6<<3 | wireVarint, 7<<3 | wireVarint
	eventSequence, eventOriginalTS, eventSentTS    = 8<<3 | wireVarint, 9<<3 | wireVarint, 10<<3 | wireVarint
	eventMessageID, eventPayload, eventFlags       = 11<<3 | wireBytes, 12<<3 | wire64, 13<<3 | wireVarint
	eventURL, eventPath, eventTitle, eventReferrer = 20<<3 | wireBytes, 21<<3 | wireBytes, 22<<3 | wireBytes, 23<<3 | wireBytes
	eventEntry, eventUserAgent, eventProduct       = 24<<3 | wireBytes, 25<<3 | wireBytes, 30<<3 | wireBytes
	eventMoney, eventOrder, eventCart              = 31<<3 | wireBytes, 32<<3 | wireBytes, 33<<3 | wireBytes
	eventCheckout, eventQuantity, eventProperties  = 34<<3 | wireBytes, 35<<3 | wire64, 40<<3 | wireBytes
	eventProtocol, eventOrigin                     = 41<<3 | wireBytes, 42<<3 | wireBytes

	moneyMinor, moneyCurrency, moneyExponent = 1<<3 | wireVarint, 2<<3 | wireBytes, 3<<3 | wireVarint
)

// decode reads a record that holds an event as ingest writes it. It is false for every other record, and for one in which
// something is unusual: those are read by the generated code, which says what is wrong with them.
func (in *incoming) decode(b []byte) bool {
	*in = incoming{}
	kind, body := uint64(0), []byte(nil)
	for len(b) > 0 {
		t, number, text, rest := next(b)
		b = rest
		switch {
		case t == recordKind:
			kind = number
		case t == recordStore:
			in.store = text
		case t == recordIngestTS:
			in.ingestTS = int64(number)
		case t == recordFlags:
			in.flags = uint32(number)
		case t == recordEvent && body == nil:
			body = text
		default:
			return false
		}
	}
	return kind == uint64(pb.Kind_KIND_EVENT) && body != nil && in.event(body)
}

// event reads the event. Fields that the fold does not need are passed over; a field that is not known, or of another wire
// type, is for the generated code.
func (in *incoming) event(b []byte) bool {
	money := false
	for len(b) > 0 {
		t, number, text, rest := next(b)
		b = rest
		switch t {
		case eventID:
			in.id = text
		case eventVisitor:
			in.visitor = text
		case eventUser:
			in.user = text
		case eventEmail:
			in.email = text
		case eventAction:
			in.action = text
		case eventInteractive:
			in.interactive = number != 0
		case eventTS:
			in.ts = int64(number)
		case eventSequence:
			in.sequence = uint32(number)
		case eventPayload:
			in.payload = number
		case eventFlags:
			in.eventFlags = uint32(number)
		case eventEntry:
			if in.entry != nil { // of two messages generated code makes one
				return false
			}
			in.entry = text
		case eventProduct:
			in.product = text
		case eventMoney:
			if money || !in.money(text) {
				return false
			}
			money = true
		case eventOrder:
			in.order = text
		case eventCart:
			in.cart = text
		case eventCheckout:
			in.checkout = text
		case eventOriginalTS, eventSentTS, eventMessageID, eventURL, eventPath, eventTitle, eventReferrer, eventUserAgent, eventQuantity, eventProperties,
			eventProtocol, eventOrigin:
		default:
			return false
		}
	}
	return true
}

func (in *incoming) money(b []byte) bool {
	for len(b) > 0 {
		t, number, text, rest := next(b)
		b = rest
		switch t {
		case moneyMinor:
			in.minor = int64(number)
		case moneyCurrency:
			in.currency = text
		case moneyExponent: // it follows from the currency
		default:
			return false
		}
	}
	return true
}

// read takes the same from an event that generated code has read.
func (in *incoming) read(r *pb.Record) error {
	e := r.GetEvent()
	*in = incoming{store: []byte(r.Store), ingestTS: r.IngestTs, flags: r.Flags, id: e.EventId, visitor: []byte(e.Visitor), user: []byte(e.User),
		email: []byte(e.EmailHash), action: []byte(e.Action), product: []byte(e.Product), order: []byte(e.OrderId), cart: []byte(e.CartToken),
		checkout: []byte(e.CheckoutToken), currency: []byte(e.GetMoney().GetCurrency()), minor: e.GetMoney().GetMinor(), ts: e.EventTs,
		payload: e.PayloadHash, sequence: e.Sequence, eventFlags: e.Flags, interactive: e.Interactive}
	if e.Entry == nil {
		return nil
	}
	b, err := e.Entry.MarshalVT()
	in.entry = append([]byte{}, b...) // an empty entry is not none
	return err
}
