package collect

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tributary-data/tributary/pkg/event"
)

// gif is one transparent dot.
const gif = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

// maxNames in a dotted name of a pixel's query: what is deeper stays one name.
const maxNames = 8

// pixel takes a call from where only an image can be loaded, such as an e-mail. It always answers with the image:
// nobody there could read why not, or try again. What is lost is counted.
func (h *Handler) pixel(w http.ResponseWriter, r *http.Request, callType string) {
	if r.Method == http.MethodGet { // HEAD looks only
		if lost := h.takePixel(r, callType); lost != "" {
			h.config.Metrics.pixelLost(lost)
		}
		h.config.Metrics.answered(http.StatusOK)
	}
	header := w.Header()
	header.Set("Content-Type", "image/gif")
	header.Set("Cache-Control", "no-store, no-cache, must-revalidate, private")
	header.Set("Content-Length", "43")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write([]byte(gif))
	}
}

// takePixel records a pixel's call and says why it was lost, if it was.
func (h *Handler) takePixel(r *http.Request, callType string) (lost string) {
	now, flags, ok := h.config.Clock.Now()
	if !ok {
		return lostBusy
	}
	k := works.Get().(*work)
	defer works.Put(k)
	q := r.URL.Query() // what does not parse is left out
	body, err := pixelBody(q)
	ok = err == nil && k.decode(body, callType)
	key := q.Get("writeKey")
	if err == nil {
		key = either(k.writeKey, key) // also of a body that breaks after it
	}
	st := h.store(r, key)
	switch {
	case st == nil && !ok:
		return lostBroken
	case st == nil:
		return lostUnknownKey
	case st.closed():
		return lostBusy
	}
	at := place{store: st, client: h.config.clientOf(r, st), protocol: "pixel", body: body, received: now}
	at.client.pixel, at.client.userAgent = true, r.UserAgent()
	if ok {
		err = h.encode(k, at, flags)
	} else {
		err = h.broken(k, at, flags, either(string(body), r.URL.RawQuery), err)
	}
	if err != nil || h.publish(r.Context(), k) != nil {
		return lostBusy
	}
	return ""
}

// broken makes a dead letter of a pixel that cannot be read.
func (h *Handler) broken(k *work, at place, flags uint32, original string, err error) error {
	if err == nil {
		err = k.failure()
	}
	k.messages.reset()
	h.config.Metrics.refused(event.ReasonUndecodable)
	f := &event.Fault{Reason: event.ReasonUndecodable, Path: "data", Rule: "the base64 of a JSON object"}
	return k.refuse([]byte(original), f, err.Error(), at, flags)
}

var errPixelData = errors.New("data is no base64 or url-safe base64")

// pixelBody is the JSON of a pixel's call: that in data, or one made of the query's dotted names.
func pixelBody(q url.Values) ([]byte, error) {
	if !q.Has("data") {
		return json.Marshal(nested(q))
	}
	// A plus that was not escaped arrives as a space.
	data := strings.NewReplacer("-", "+", "_", "/", " ", "+", "=", "").Replace(q.Get("data"))
	body, err := base64.RawStdEncoding.DecodeString(data)
	if err != nil {
		return nil, errPixelData
	}
	return body, nil
}

// nested makes properties.subject=x an object: {"properties": {"subject": "x"}}. Where a name is both a value and an
// object, the object stays.
func nested(q url.Values) map[string]any {
	names := make([]string, 0, len(q))
	for name := range q {
		names = append(names, name)
	}
	slices.Sort(names)
	root := map[string]any{}
	for _, name := range names {
		parts := strings.SplitN(name, ".", maxNames)
		in := root
		for _, p := range parts[:len(parts)-1] {
			child, ok := in[p].(map[string]any)
			if !ok {
				child = map[string]any{}
				in[p] = child
			}
			in = child
		}
		last := parts[len(parts)-1]
		if _, taken := in[last]; !taken {
			in[last] = q.Get(name)
		}
	}
	return root
}
