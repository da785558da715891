package collect

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tributary-data/tributary/pkg/event"
)

// Handler answers storefront clients. It is safe for concurrent use.
type Handler struct {
	config Config
}

// New prepares a handler.
func New(c Config) (*Handler, error) {
	if len(c.Stores) == 0 || c.Names == nil || c.Publisher == nil || c.Clock == nil {
		return nil, errors.New("collect needs stores, names, a publisher and a clock")
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Metrics == nil {
		c.Metrics = NewMetrics(nil)
	}
	return &Handler{config: c}, nil
}

// failure is an answer other than 200.
type failure struct {
	status int
	text   string
}

func (f *failure) Error() string { return f.text }

func fail(status int, format string, args ...any) *failure {
	return &failure{status: status, text: fmt.Sprintf(format, args...)}
}

// work is the memory of one request. Records that are published have memory of their own, so all of it is used again.
type work struct {
	body []byte
	decoder
	messages
}

var works = sync.Pool{New: func() any { return &work{body: make([]byte, 0, 64<<10)} }}

func (h *Handler) segment(w http.ResponseWriter, r *http.Request, callType string) {
	err := h.take(r, callType)
	status := http.StatusOK
	if err != nil {
		status, err = statusOf(err)
	}
	h.config.Metrics.answered(status)
	answer(w, r, status, err)
}

// statusOf an error, and what the client may know of it. Why records were not taken is in the publisher's log.
func statusOf(err error) (int, error) {
	var f *failure
	if errors.As(err, &f) {
		return f.status, f
	}
	return http.StatusServiceUnavailable, ErrBusy
}

// take reads, checks and publishes one request.
func (h *Handler) take(r *http.Request, callType string) error {
	now, flags, ok := h.config.Clock.Now()
	if !ok {
		return ErrBusy
	}
	k := works.Get().(*work)
	defer works.Put(k)
	body, err := readBody(r, k.body[:0])
	k.body = body[:0]
	if err != nil {
		return err
	}
	if !k.decode(body, callType) {
		return k.failure()
	}
	st := h.store(r, k.writeKey)
	switch {
	case st == nil:
		return fail(http.StatusUnauthorized, "unknown write key: send it as the user name of basic authorization or as writeKey in the body")
	case st.closed():
		return fail(http.StatusServiceUnavailable, "store %s takes no events yet: its file was not applied (tributary store apply)", st.Name)
	case !st.mayCome(r):
		return fail(http.StatusForbidden, "pages of %q may not send for this store: list it among the store's origins", r.Header.Get("Origin"))
	case len(k.items) > MaxItems:
		return fail(http.StatusBadRequest, "a batch holds at most %d events, this one has %d", MaxItems, len(k.items))
	case callType != "" && len(body) > event.MaxBytes:
		return fail(http.StatusBadRequest, "an event holds at most %d bytes, this one has %d", event.MaxBytes, len(body))
	}
	at := place{store: st, client: h.config.clientOf(r, st), protocol: "segment", sentAt: k.sentAt, body: body, received: now}
	if err := h.encode(k, at, flags); err != nil {
		return err
	}
	return h.publish(r.Context(), k)
}

// encode makes each item an event or a dead letter.
func (h *Handler) encode(k *work, at place, flags uint32) error {
	k.messages.reset()
	for i := range k.items {
		it := &k.items[i]
		if !it.null {
			it.context.under(&k.base)
		}
		at.index = i
		e, fault := h.canonical(&k.messages, it, at)
		var err error
		if fault != nil {
			h.config.Metrics.refused(fault.Reason)
			err = k.refuse(it.raw, fault, "", at, flags)
		} else {
			err = k.add(e, at, flags)
		}
		if err != nil {
			return err
		}
	}
	h.config.Metrics.taken(len(k.list) - k.letters)
	return nil
}

func (h *Handler) publish(ctx context.Context, k *work) error {
	if len(k.list) == 0 {
		return nil
	}
	events, dead := k.finish()
	ctx, cancel := context.WithTimeout(ctx, h.config.Timeout)
	defer cancel()
	return h.config.Publisher.Publish(ctx, events, dead)
}

// store of a request: that of basic authorization, else that of the write key inside it.
func (h *Handler) store(r *http.Request, writeKey string) *Store {
	if st := h.config.Stores[basicKey(r)]; st != nil {
		return st
	}
	return h.config.Stores[writeKey]
}

// basicKey is the write key of basic authorization; a missing colon is forgiven.
func basicKey(r *http.Request) string {
	const scheme = "Basic "
	header := r.Header.Get("Authorization")
	if len(header) < len(scheme) || !strings.EqualFold(header[:len(scheme)], scheme) {
		return ""
	}
	plain, err := base64.StdEncoding.DecodeString(header[len(scheme):])
	if err != nil {
		return ""
	}
	key, _, _ := strings.Cut(string(plain), ":")
	return key
}
