package sim

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const isoMillis = "2006-01-02T15:04:05.000Z"

// message is Segment's wire form of one event.
type message struct {
	Type        string      `json:"type"`
	Event       string      `json:"event,omitempty"`
	MessageID   string      `json:"messageId"`
	AnonymousID string      `json:"anonymousId,omitempty"`
	UserID      *string     `json:"userId"`
	Timestamp   string      `json:"timestamp"`
	Properties  *properties `json:"properties,omitempty"`
	Traits      *traits     `json:"traits,omitempty"`
	Context     wireContext `json:"context"`
	// The rest is set only on an event that travels alone.
	SentAt   string `json:"sentAt,omitempty"`
	WriteKey string `json:"writeKey,omitempty"`
}

type traits struct {
	Email string `json:"email"`
}

type wireContext struct {
	Page      *page     `json:"page,omitempty"`
	UserAgent string    `json:"userAgent,omitempty"`
	Locale    string    `json:"locale,omitempty"`
	Campaign  *campaign `json:"campaign,omitempty"`
	Library   library   `json:"library"`
}

type library struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

func iso(ms int64) string { return time.UnixMilli(ms).UTC().Format(isoMillis) }

// message is the event as its sender tells it, by the sender's clock.
func (h *hit) message() message {
	m := message{Type: h.kind.call, Event: h.kind.name, MessageID: h.id, AnonymousID: h.visitor.id, Properties: h.props,
		Timestamp: iso(h.at + h.visitor.skew), Context: wireContext{Library: library{"analytics-node", "2.2.0"}}}
	if h.page != nil {
		m.Context = wireContext{Page: h.page, UserAgent: h.visitor.agent, Locale: "en-GB", Campaign: h.page.campaign,
			Library: library{"analytics.js", "npm:next-1.81.0"}}
	}
	if h.user != "" {
		m.UserID = &h.user
	}
	if h.kind == identified {
		m.Traits = &traits{Email: h.user + "@mail.example"}
	}
	return m
}

// encoded is a request's bytes: the same at every try.
type encoded struct {
	path   string
	header http.Header
	body   []byte
	events int
	lost   bool // the first answer gets lost
}

// encode forms the request. A sabotaged event is left out; nil if nothing is left.
func (q *request) encode(without *hit) (*encoded, error) {
	var messages []any
	for _, d := range q.items {
		if d.hit != without {
			messages = append(messages, d.broken(d.message()))
		}
	}
	if len(messages) == 0 {
		return nil, nil
	}
	e := &encoded{path: q.path, header: http.Header{"Content-Type": {q.contentType}}, events: len(messages), lost: q.lost}
	var body any
	if q.single {
		m := q.items[0].message()
		m.SentAt, m.WriteKey = iso(q.sent), q.shop.key
		body = m
	} else {
		r := &http.Request{Header: e.header}
		r.SetBasicAuth(q.shop.key, "")
		body = struct {
			Batch  []any  `json:"batch"`
			SentAt string `json:"sentAt"`
		}{messages, iso(q.sent)}
	}
	var err error
	if e.body, err = json.Marshal(body); err != nil {
		return nil, fmt.Errorf("encode events: %w", err)
	}
	if q.gzip {
		e.header.Set("Content-Encoding", "gzip")
		e.body = squeeze(e.body)
	}
	return e, nil
}

func squeeze(b []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed) // the level is valid and a buffer takes everything
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}
