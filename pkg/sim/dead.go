package sim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// faults are the reasons for which an event is a dead letter, as the simulator can cause them.
var faults = []string{"no_user_anon_id", "type_unknown", "event_name_missing", "timestamp_invalid", "message_id_too_long",
	"event_too_large", "user_id_too_long", "field_type_wrong", "item_not_object"}

// eventsPerDeath is the size of a day for which each fault occurs once.
const eventsPerDeath = 25_000

// breakSome puts events that nobody can take between the good ones of some visitor, so that they share a batch.
func (p *planner) breakSome(r *rand.Rand) {
	n := len(p.hits)
	for range 1 + p.cfg.Events/eventsPerDeath {
		for _, f := range faults {
			host := p.hits[r.IntN(n)]
			for host.visitor.id == "" || host.delay != 0 {
				host = p.hits[r.IntN(n)]
			}
			p.repeats = append(p.repeats, &delivery{arrive: host.arrives(), hit: &hit{id: messageID(r, host.at), at: host.at, kind: subscribed,
				visitor: host.visitor, page: host.page, fault: f, props: &properties{Placement: "footer"}}})
		}
	}
}

// broken is the message with its fault.
func (h *hit) broken(m message) any {
	switch h.fault {
	case "no_user_anon_id":
		m.AnonymousID, m.UserID = "", nil
	case "type_unknown":
		m.Type = "tracked"
	case "event_name_missing":
		m.Event = ""
	case "timestamp_invalid":
		m.Timestamp = "yesterday at noon"
	case "message_id_too_long":
		m.MessageID += strings.Repeat("x", 100)
	case "user_id_too_long":
		long := strings.Repeat("u", 300)
		m.UserID = &long
	case "event_too_large":
		m.Properties = &properties{Title: strings.Repeat("very large ", 3000)}
	case "field_type_wrong":
		return map[string]any{"type": "track", "event": "Product Viewed", "messageId": m.MessageID, "anonymousId": []string{m.AnonymousID}}
	case "item_not_object":
		return json.RawMessage(fmt.Sprintf("%q", m.MessageID))
	}
	return m
}
