package collect

import (
	"net/http"
	"strings"
)

// decoder reads the body of a Segment request in one pass. Its strings live as long as the body.
type decoder struct {
	scanner
	single bool // the body is one call, not a batch
	inItem bool // a wrong type is the item's fault, not the body's

	writeKey, sentAt string
	base             segmentContext // of the batch, under that of each item
	items            []segmentItem
	it               *segmentItem
	itemStart        int // where it begins in the body; 0 for a single call
	ctx              *segmentContext

	typed     bool // the body's fault is the type of what stands at typedPath
	typedPath string
}

// decode reads a body; callType is that of a single call, empty for a batch. False: see failure.
func (d *decoder) decode(body []byte, callType string) bool {
	items := d.items
	if cap(items) > 256 {
		items = nil // one huge batch does not hold its memory for ever
	}
	s := d.scanner
	s.reset(body)
	*d = decoder{scanner: s, single: callType != "", items: items[:0]}
	d.tokens = true
	if d.single {
		return d.decodeCall(callType) && d.ends()
	}
	if d.space() == 'n' {
		return d.literal("null") && d.ends()
	}
	return d.object("", (*decoder).bodyField) && d.ends()
}

// decodeCall reads a body that is one item.
func (d *decoder) decodeCall(callType string) bool {
	d.it = d.newItem()
	d.it.callType, d.it.raw = callType, d.b
	if d.space() == 'n' {
		d.it.callType = ""
		return d.literal("null")
	}
	return d.object("", (*decoder).callField)
}

// newItem makes room for one more.
func (d *decoder) newItem() *segmentItem {
	if n := len(d.items); n < cap(d.items) {
		d.items = d.items[:n+1]
		d.items[n] = segmentItem{}
	} else {
		d.items = append(d.items, segmentItem{})
	}
	return &d.items[len(d.items)-1]
}

// failure is what decode found.
func (d *decoder) failure() *failure {
	if d.typed {
		return fail(http.StatusBadRequest, "unexpected JSON at byte %d, %s: the body is an object with batch, context, sentAt, writeKey", d.at, pointer(d.typedPath))
	}
	return fail(http.StatusBadRequest, "malformed JSON at byte %d: %s", d.at, d.why)
}

// pointer writes a path as a JSON pointer (RFC 6901).
func pointer(path string) string {
	if path == "" {
		return ""
	}
	return "/" + strings.ReplaceAll(path, ".", "/")
}

// members reads an object; field consumes the value of the name that it is given.
func (d *decoder) members(field func(*decoder, string) bool) bool {
	empty, ok := d.open('}')
	for more := !empty; more && ok; {
		if d.space() != '"' {
			return d.noName(!d.single || d.depth == 1)
		}
		name, isText := d.text()
		if !isText || !d.colon() || !field(d, name) {
			return false
		}
		more, ok = d.more('}')
	}
	return ok
}

// object reads an object, or says that path holds something else.
func (d *decoder) object(path string, field func(*decoder, string) bool) bool {
	c := d.space()
	if c == '{' {
		return d.members(field)
	}
	start := d.i
	if (d.inItem || c != '[') && !d.skip() {
		return false
	}
	return d.mistyped(start, path)
}

// str reads a string; null is the empty one.
func (d *decoder) str(dst *string, path string) bool {
	var ok bool
	switch d.space() {
	case '"':
		*dst, ok = d.text()
		return ok
	case 'n':
		*dst = ""
		return d.literal("null")
	}
	start := d.i
	return d.leaf() && d.mistyped(start, path)
}

// loose reads a string's content or a number as written; everything else is the empty string.
func (d *decoder) loose(dst *string) bool {
	c := d.space()
	if c == '"' {
		var ok bool
		*dst, ok = d.text()
		return ok
	}
	start := d.i
	ok := d.leaf()
	*dst = ""
	if ok && (c == '-' || c-'0' <= 9) {
		*dst = view(d.b[start:d.i])
	}
	return ok
}

// raw reads any value as it stands.
func (d *decoder) raw(dst *string) bool {
	d.space()
	start := d.i
	ok := d.leaf()
	*dst = view(d.b[start:d.i])
	return ok
}

// leaf checks a value that json/v2 reads as a whole.
func (d *decoder) leaf() bool {
	before := d.tokens
	d.tokens = d.single
	ok := d.skip()
	d.tokens = before
	return ok
}

// mistyped notes that what starts there has a type that path does not have. In an item that is its fault alone.
func (d *decoder) mistyped(start int, path string) bool {
	if !d.inItem {
		d.typed, d.typedPath = true, path
		return d.fail(start, "")
	}
	if d.it.wrongType == "" {
		d.it.wrongType = path
	}
	return true
}
