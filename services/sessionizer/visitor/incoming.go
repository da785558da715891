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

// Field numbers of schemas/proto/tributary/v1/record.proto and event.proto.
const (
	recordKind, recordStore, recordIngestTS, recordFlags, recordEvent = 1, 2, 3, 4, 10

	eventID, eventVisitor, eventUser, eventEmail, eventAction, eventInteractive, eventTS, eventSequence = 1, 2, 3, 4, 5, 6, 7, 8
	eventPayload, eventFlags, eventEntry                                                                = 12, 13, 24
	eventProduct, eventMoney, eventOrder, eventCart, eventCheckout                                      = 30, 31, 32, 33, 34
)

// eventWire are the wire types of the event's fields, also of those that are passed over: one of another type is for the
// generated code to refuse.
var eventWire = [64]int8{1: wireBytes, 2: wireBytes, 3: wireBytes, 4: wireBytes, 5: wireBytes, 6: wireVarint, 7: wireVarint, 8: wireVarint, 9: wireVarint,
	10: wireVarint, 11: wireBytes, 12: wire64, 13: wireVarint, 20: wireBytes, 21: wireBytes, 22: wireBytes, 23: wireBytes, 24: wireBytes, 25: wireBytes,
	30: wireBytes, 31: wireBytes, 32: wireBytes, 33: wireBytes, 34: wireBytes, 35: wire64, 40: wireBytes, 41: wireBytes, 42: wireBytes}

// decode reads a record that holds an event as ingest writes it. It is false for every other record, and for one in which
// something is unusual: those are read by the generated code, which says what is wrong with them.
func (in *incoming) decode(b []byte) bool {
	*in = incoming{}
	kind, body := uint64(0), []byte(nil)
	for w := (wire{b: b}); len(w.b) > 0; {
		switch f := w.next(); {
		case f.number == recordKind && f.wire == wireVarint:
			kind = f.value
		case f.number == recordStore && f.wire == wireBytes:
			in.store = f.bytes
		case f.number == recordIngestTS && f.wire == wireVarint:
			in.ingestTS = int64(f.value)
		case f.number == recordFlags && f.wire == wireVarint:
			in.flags = uint32(f.value)
		case f.number == recordEvent && f.wire == wireBytes && body == nil:
			body = f.bytes
		default:
			return false
		}
	}
	return kind == uint64(pb.Kind_KIND_EVENT) && body != nil && in.event(body)
}

// event reads the event. Fields that the fold does not need are passed over.
func (in *incoming) event(b []byte) bool {
	money := false
	for w := (wire{b: b}); len(w.b) > 0; {
		f := w.next()
		if f.number <= 0 || f.number >= len(eventWire) || int8(f.wire) != eventWire[f.number] {
			return false
		}
		switch f.number {
		case eventID:
			in.id = f.bytes
		case eventVisitor:
			in.visitor = f.bytes
		case eventUser:
			in.user = f.bytes
		case eventEmail:
			in.email = f.bytes
		case eventAction:
			in.action = f.bytes
		case eventInteractive:
			in.interactive = f.value != 0
		case eventTS:
			in.ts = int64(f.value)
		case eventSequence:
			in.sequence = uint32(f.value)
		case eventPayload:
			in.payload = f.value
		case eventFlags:
			in.eventFlags = uint32(f.value)
		case eventEntry:
			if in.entry != nil { // of two messages generated code makes one
				return false
			}
			in.entry = f.bytes
		case eventProduct:
			in.product = f.bytes
		case eventMoney:
			if money || !in.money(f.bytes) {
				return false
			}
			money = true
		case eventOrder:
			in.order = f.bytes
		case eventCart:
			in.cart = f.bytes
		case eventCheckout:
			in.checkout = f.bytes
		}
	}
	return true
}

func (in *incoming) money(b []byte) bool {
	for w := (wire{b: b}); len(w.b) > 0; {
		switch f := w.next(); {
		case f.number == 1 && f.wire == wireVarint:
			in.minor = int64(f.value)
		case f.number == 2 && f.wire == wireBytes:
			in.currency = f.bytes
		case f.number == 3 && f.wire == wireVarint: // the exponent follows from the currency
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
