package collect

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// callTypes by path: server SDKs write the type out, browser SDKs its first letter.
var callTypes = map[string]string{
	"batch": "", "b": "", "import": "",
	"track": "track", "t": "track", "page": "page", "p": "page", "screen": "screen", "s": "screen",
	"identify": "identify", "i": "identify", "group": "group", "g": "group", "alias": "alias", "a": "alias",
}

// Handler answers storefront clients. It is safe for concurrent use.
type Handler struct {
	config Config
	mux    *http.ServeMux
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
	h := &Handler{config: c, mux: http.NewServeMux()}
	for path, callType := range callTypes {
		h.mux.HandleFunc("POST /v1/"+path, func(w http.ResponseWriter, r *http.Request) { h.segment(w, r, callType) })
		h.mux.HandleFunc("OPTIONS /v1/"+path, preflight)
	}
	h.mux.HandleFunc("POST /v1/m", func(w http.ResponseWriter, r *http.Request) { answer(w, r, http.StatusOK, nil) }) // an SDK's own metrics
	h.mux.HandleFunc("GET /v1/projects/{key}/settings", h.settings)
	return h, nil
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// failure is an answer other than 200.
type failure struct {
	status int
	text   string
}

func (f *failure) Error() string { return f.text }

func fail(status int, format string, args ...any) *failure {
	return &failure{status: status, text: fmt.Sprintf(format, args...)}
}

func (h *Handler) segment(w http.ResponseWriter, r *http.Request, callType string) {
	err := h.take(r, callType)
	status := http.StatusOK
	var f *failure
	switch {
	case errors.As(err, &f):
		status = f.status
	case err != nil:
		status, err = http.StatusServiceUnavailable, ErrBusy // why is in the metrics and the log of the publisher
	}
	h.config.Metrics.answered(status)
	answer(w, r, status, err)
}

// take reads, checks and publishes one request.
func (h *Handler) take(r *http.Request, callType string) error {
	now, flags, ok := h.config.Clock.Now()
	if !ok {
		return ErrBusy
	}
	buf := bodies.Get().(*[]byte)
	defer bodies.Put(buf)
	body, err := readBody(r, (*buf)[:0])
	*buf = body[:0]
	if err != nil {
		return err
	}
	b, err := decodeSegment(body)
	if err != nil {
		return badJSON(err)
	}
	st := h.config.Stores[either(basicKey(r), b.WriteKey)]
	if st == nil {
		return fail(http.StatusUnauthorized, "unknown write key: send it as the user name of basic authorization or as writeKey in the body")
	}
	at := place{callType: callType, sentAt: b.SentAt, body: body, received: now}
	items := b.Batch
	if callType == "" {
		at.context = b.Context
	} else {
		items = []jsontext.Value{body}
	}
	if len(items) > MaxItems {
		return fail(http.StatusBadRequest, "a batch holds at most %d events, this one has %d", MaxItems, len(items))
	}
	if callType != "" && len(body) > event.MaxBytes {
		return fail(http.StatusBadRequest, "an event holds at most %d bytes, this one has %d", event.MaxBytes, len(body))
	}
	events, dead, err := h.records(st, items, at, flags)
	if err != nil {
		return err
	}
	if len(events)+len(dead) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.config.Timeout)
	defer cancel()
	return h.config.Publisher.Publish(ctx, events, dead)
}

// records encodes each item as an event or as a dead letter.
func (h *Handler) records(st *Store, items []jsontext.Value, at place, flags uint32) (events, dead []Message, err error) {
	events = make([]Message, 0, len(items))
	for i, raw := range items {
		at.index = i
		e, fault := h.canonical(st, raw, at)
		rec := &pb.Record{Store: st.Name, IngestTs: at.received.UnixMilli(), Flags: flags}
		if fault != nil {
			h.config.Metrics.refused(fault.Reason)
			rec.Kind, rec.Body = pb.Kind_KIND_DEAD_LETTER, &pb.Record_DeadLetter{DeadLetter: &pb.DeadLetter{Original: raw,
				Reason: string(fault.Reason), Path: fault.Path, Rule: fault.Rule, Protocol: "segment"}}
		} else {
			rec.Kind, rec.Body = pb.Kind_KIND_EVENT, &pb.Record_Event{Event: e}
		}
		value, err := rec.MarshalVT()
		if err != nil {
			return nil, nil, fmt.Errorf("encode record: %w", err)
		}
		if fault != nil {
			dead = append(dead, Message{Key: []byte(st.Name), Value: value})
		} else {
			events = append(events, Message{Key: event.Key(st.Name, e.Visitor, e.User), Value: value})
		}
	}
	h.config.Metrics.taken(len(events))
	return events, dead, nil
}

// badJSON names the position of a fault in the body.
func badJSON(err error) *failure {
	var syn *jsontext.SyntacticError
	if errors.As(err, &syn) {
		return fail(http.StatusBadRequest, "malformed JSON at byte %d: %v", syn.ByteOffset, syn.Err)
	}
	var sem *json.SemanticError
	if errors.As(err, &sem) {
		return fail(http.StatusBadRequest, "unexpected JSON at byte %d, %s: the body is an object with batch, context, sentAt, writeKey", sem.ByteOffset, sem.JSONPointer)
	}
	return fail(http.StatusBadRequest, "malformed JSON: %v", err)
}

// basicKey is the write key of basic authorization; a missing colon is forgiven.
func basicKey(r *http.Request) string {
	encoded, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Basic ")
	if !ok {
		return ""
	}
	plain, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return ""
	}
	key, _, _ := strings.Cut(string(plain), ":")
	return key
}
