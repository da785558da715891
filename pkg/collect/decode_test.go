package collect

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/event"
)

// compare decodes a body with both decoders.
func compare(t *testing.T, d *decoder, body []byte, callType string) {
	t.Helper()
	original := bytes.Clone(body)
	want, err := oracle(body, callType)
	ok := d.decode(body, callType)
	if !bytes.Equal(body, original) {
		t.Fatalf("%q: the body was changed", original)
	}
	if ok != (err == nil) {
		t.Fatalf("%q as %q: got %t (%s), json/v2 says %v", body, callType, ok, d.why, err)
	}
	if err != nil {
		at, path, class := oraclePosition(err)
		if got := d.failure(); d.at != at || !strings.HasPrefix(got.text, class) || d.typed && pointer(d.typedPath) != path {
			t.Fatalf("%q as %q: got %s, json/v2 says %s at byte %d, %s: %v", body, callType, got, class, at, path, err)
		}
		return
	}
	if d.writeKey != want.writeKey || d.sentAt != want.sentAt || len(d.items) != len(want.items) {
		t.Fatalf("%q as %q: got key %q, sent %q, %d items, want %+v", body, callType, d.writeKey, d.sentAt, len(d.items), want)
	}
	for i := range d.items {
		compareItem(t, d, &d.items[i], &want.items[i], want.faults[i])
	}
}

func compareItem(t *testing.T, d *decoder, got, want *segmentItem, fault *event.Fault) {
	t.Helper()
	if !bytes.Equal(got.raw, want.raw) {
		t.Fatalf("%q: item is %q, want %q", d.b, got.raw, want.raw)
	}
	var reason event.Reason
	switch {
	case got.noObject:
		reason = event.ReasonNotObject
	case got.wrongType != "":
		reason = event.ReasonFieldType
	}
	if fault != nil {
		if reason != fault.Reason || got.wrongType != fault.Path {
			t.Fatalf("%q: got fault %s at %q, want %v", d.b, reason, got.wrongType, fault)
		}
		return
	}
	if reason != "" {
		t.Fatalf("%q: got fault %s at %q, want none", d.b, reason, got.wrongType)
	}
	if !got.null {
		got.context.under(&d.base)
	}
	if got.context.v != want.context.v || got.columns != want.columns || !bytes.Equal(got.properties, want.properties) ||
		(got.properties == nil) != (want.properties == nil) {
		t.Fatalf("%q:\n got %+v\nwant %+v", d.b, got, want)
	}
	a, b := *got, *want
	for _, it := range []*segmentItem{&a, &b} { // compared above
		it.raw, it.properties, it.context, it.null = nil, nil, segmentContext{}, false
	}
	if a.columns != b.columns || a.callType != b.callType || a.event != b.event || a.name != b.name || a.anonymousID != b.anonymousID ||
		a.userID != b.userID || a.previousID != b.previousID || a.messageID != b.messageID || a.timestamp != b.timestamp ||
		a.sentAt != b.sentAt || a.email != b.email {
		t.Fatalf("%q:\n got %+v\nwant %+v", d.b, a, b)
	}
}

// bodies that reach every branch: what is legal and odd, and what is not legal.
func oddBodies() []string {
	values := []string{`1`, `-0`, `1.5e+7`, `01`, `1.`, `-`, `1e`, `.5`, `+1`, `0x1`, `"x"`, `""`, `"\u00e9\n\"\/"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d"`,
		`"\u12"`, `"\x"`, `"\`, "\"a\x01\"", "\"\xff\"", "\"\xc3\"", `"é"`, `"abc`, `true`, `tru`, `tru}`, `false`, `fals`, `null`, `nul`, `nulL`, `{}`, `[]`, `[1,]`,
		`[,]`, `[1 2]`, `[1}`, `{"a":1,}`, `{"a":1,]`, `{"a"}`, `{"a":}`, `{"a" 1}`, `{"a":1 "b":2}`, `{1:2}`, `{-x:2}`, `{[1,}:2}`, `{[1]:2}`, `{{}:1}`, `{tru:1}`, `{,}`,
		`{:1}`, `{"a"::1}`, `{"a":,}`, `[{"a":[{"b":[]}]}]`, `]`, `}`, `,`, `:`, `#`, ``, "\ufeff1", "\x00", `{"url":"u","email":"e@x"}`, `{"email":7}`, `{"page":{"url":"x"}}`,
		`{"page":null}`, `{"page":[]}`, `{"page":7}`, `{"page":{"url":7}}`, `{"campaign":{"name":"n","source":"s"}}`, `{"traits":{"email":{"a":1,}}}`, `{"consent":{"a":1,}}`,
		`{"userAgent":{"a":1,}}`, `{"userAgent":null}`, `[{"anonymousId":7},{"type":"page","anonymousId":"a","context":null},7,null,"x",[1],{"context":{"page":null}}]`}
	fields := []string{"batch", "context", "sentAt", "writeKey", "integrations", "type", "event", "name", "anonymousId", "userId", "previousId", "messageId",
		"timestamp", "properties", "traits", `\u0074ype`, "Type", "consent"}
	out := append([]string{` `, "\t{ } \n", `{} x`, `{}{}`, `{"a":1`, `{"a":1,`, `{"a":1,"`, `{"batch":[`, `{"batch":[{`, `{"batch":[{"type":"page"}`, `{"batch":[{}],}`, `{"batch":[{},]}`, `{"batch":[{}}}`},
		values...)
	for _, v := range values {
		for _, f := range fields {
			out = append(out, `{"`+f+`":`+v+`}`, `{"batch":[{"`+f+`": `+v+` }] , "context":{"userAgent":"U","page":{"url":"B","title":"T"}}}`,
				`{"`+f+`":"x","`+f+`":`+v+`,"`+f+`":null}`, `{"batch":[{"type":"page"},{"context":{"`+f+`":`+v+`}}]}`, `{"context":{"`+f+`":`+v+`}}`,
				`{"context":{"page":{"title":"a"}},"context":{"page":{"`+f+`":`+v+`}}}`)
		}
	}
	return out
}

// Ensure that the decoder and json/v2 agree on some ten thousand odd bodies.
func TestDecodeAgrees(t *testing.T) {
	t.Parallel()
	d := &decoder{}
	for _, b := range oddBodies() {
		for _, callType := range []string{"", "track"} {
			compare(t, d, []byte(b), callType)
		}
	}
}

// Ensure the limit of depth, at which json/v2 stops too.
func TestDecodeDepth(t *testing.T) {
	t.Parallel()
	d := &decoder{}
	for _, n := range []int{maxDepth - 3, maxDepth - 2, maxDepth - 1, maxDepth, maxDepth + 1, 5 * maxDepth} {
		for _, pair := range []string{`[]`, `{}`} {
			deep := strings.Repeat(pair[:1], n) + strings.Repeat(pair[1:], n)
			if pair == `{}` {
				deep = strings.Repeat(`{"a":`, n) + `1` + strings.Repeat(`}`, n)
			}
			for _, b := range []string{deep, `{"x":` + deep + `}`, `{"batch":[{"properties":` + deep + `}]}`, `{"batch":[` + deep + `]}`} {
				compare(t, d, []byte(b), "")
				compare(t, d, []byte(b), "page")
			}
		}
	}
}

// FuzzDecode compares the decoder with json/v2 on any body.
func FuzzDecode(f *testing.F) {
	for i, b := range oddBodies() {
		if i%37 == 0 {
			f.Add([]byte(b), i%2 == 0)
		}
	}
	for _, b := range benchBodies(2) {
		f.Add(b, false)
	}
	d := &decoder{}
	f.Fuzz(func(t *testing.T, body []byte, single bool) {
		callType := ""
		if single {
			callType = "track"
		}
		compare(t, d, body, callType)
	})
}
