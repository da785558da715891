package collect

// The fields of a Segment body that Tributary reads. Names are exact; of a doubled name the last one counts, and
// objects merge.

func (d *decoder) bodyField(name string) bool {
	switch name {
	case "batch":
		return d.batch()
	case "context":
		return d.context(&d.base)
	case "sentAt":
		return d.str(&d.sentAt, "sentAt")
	case "writeKey":
		return d.str(&d.writeKey, "writeKey")
	}
	return d.skip()
}

// callField is a field of a single call. Only its write key is the request's: all else is the item's.
func (d *decoder) callField(name string) bool {
	if name == "writeKey" {
		d.tokens, d.single = true, false
		ok := d.str(&d.writeKey, "writeKey")
		d.single = true
		return ok
	}
	d.inItem = true
	ok := d.itemField(name)
	d.inItem = false
	return ok
}

func (d *decoder) batch() bool {
	d.items = d.items[:0]
	switch c := d.space(); c {
	case '[':
	case 'n':
		return d.literal("null")
	default:
		start := d.i
		return (c == '{' || d.skip()) && d.mistyped(start, "batch")
	}
	empty, ok := d.open(']')
	for more := !empty; more && ok; {
		if !d.element() {
			return false
		}
		more, ok = d.more(']')
	}
	return ok
}

// element is one item of a batch.
func (d *decoder) element() (ok bool) {
	d.it = d.newItem()
	d.inItem, d.tokens = true, false
	c := d.space()
	start := d.i
	d.itemStart = start
	switch c {
	case '{':
		ok = d.members((*decoder).itemField)
	case 'n':
		d.it.null, ok = true, d.literal("null")
	default:
		d.it.noObject, ok = true, d.skip()
	}
	d.it.raw = d.b[start:d.i:d.i]
	d.inItem, d.tokens = false, true
	return ok
}

func (d *decoder) itemField(name string) bool {
	it := d.it
	switch name {
	case "type":
		return d.str(&it.callType, "type")
	case "event":
		return d.str(&it.event, "event")
	case "name":
		return d.str(&it.name, "name")
	case "anonymousId":
		return d.str(&it.anonymousID, "anonymousId")
	case "userId":
		return d.str(&it.userID, "userId")
	case "messageId":
		return d.str(&it.messageID, "messageId")
	case "timestamp":
		return d.str(&it.timestamp, "timestamp")
	case "sentAt":
		d.space()
		from := d.i
		ok := d.str(&it.sentAt, "sentAt")
		it.sentFrom, it.sentTo = from-d.itemStart, d.i-d.itemStart
		return ok
	case "previousId":
		return d.loose(&it.previousID)
	case "context":
		return d.context(&it.context)
	case "traits":
		it.email = ""
		if d.space() == '{' {
			return d.members((*decoder).traitField)
		}
	case "properties":
		return d.properties()
	}
	return d.skip()
}

func (d *decoder) traitField(name string) bool {
	if name == "email" {
		return d.loose(&d.it.email)
	}
	return d.skip()
}

func (d *decoder) properties() (ok bool) {
	it := d.it
	it.columns = segmentProperties{}
	c := d.space()
	start := d.i
	if c == '{' {
		ok = d.members((*decoder).propertyField)
	} else {
		ok = d.skip()
	}
	it.properties = d.b[start:d.i:d.i]
	return ok
}

func (d *decoder) propertyField(name string) bool {
	p := &d.it.columns
	switch name {
	case "url":
		return d.loose(&p.url)
	case "path":
		return d.loose(&p.path)
	case "title":
		return d.loose(&p.title)
	case "referrer":
		return d.loose(&p.referrer)
	case "product_id":
		return d.loose(&p.productID)
	case "sku":
		return d.loose(&p.sku)
	case "order_id":
		return d.loose(&p.orderID)
	case "cart_id":
		return d.loose(&p.cartID)
	case "checkout_id":
		return d.loose(&p.checkoutID)
	case "quantity":
		return d.loose(&p.quantity)
	case "currency":
		return d.loose(&p.currency)
	case "revenue":
		return d.loose(&p.revenue)
	case "total":
		return d.loose(&p.total)
	case "value":
		return d.loose(&p.value)
	case "experiment_id":
		return d.loose(&p.experimentID)
	case "experiment_name":
		return d.loose(&p.experimentName)
	case "variation_id":
		return d.loose(&p.variationID)
	case "variation_name":
		return d.loose(&p.variationName)
	case "previousId":
		p.hasPrevious = true
	}
	return d.skip()
}
