package tail

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Line is one event, or one thing that was refused.
type Line struct {
	// Topic, Partition and Offset are where it is in the log.
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	// IngestedAt and EventAt are Unix milliseconds: ingest's clock, and the client's as corrected.
	IngestedAt int64 `json:"ingest_ts"`
	EventAt    int64 `json:"event_ts,omitempty"`
	// Store, Visitor and User are whose it is.
	Store   string `json:"store"`
	Visitor string `json:"visitor,omitempty"`
	User    string `json:"user,omitempty"`
	// Action is the canonical one; Refused is the reason class of a dead letter instead.
	Action  string `json:"action,omitempty"`
	Refused string `json:"refused,omitempty"`
	// Channel and Device are those of a session that would begin with this event.
	Channel string `json:"channel,omitempty"`
	Device  string `json:"device,omitempty"`
	// Product and Order that it is about.
	Product string `json:"product,omitempty"`
	Order   string `json:"order,omitempty"`
	// Value in minor units of Currency.
	Value    int64  `json:"value_minor,omitempty"`
	Currency string `json:"currency,omitempty"`
	// Reasons say what was done to it, or where it breaks which rule.
	Reasons []string `json:"reasons,omitempty"`
}

// flagged are the reasons that an event's flags stand for.
var flagged = []struct {
	flag uint32
	text string
}{
	{event.FlagClamped, "time later than its arrival: set to the arrival"},
	{event.FlagSkewed, "the client's clock is wrong: time corrected"},
	{event.FlagBot, "robot"},
	{event.FlagInternal, "internal traffic"},
	{event.FlagCurrency, "unknown currency: value not counted"},
}

// accepted is the line of an event.
func accepted(r *pb.Record, e *pb.Event) Line {
	l := Line{IngestedAt: r.IngestTs, EventAt: e.EventTs, Store: r.Store, Visitor: e.Visitor, User: e.User, Action: e.Action, Product: e.Product,
		Order: e.OrderId, Channel: e.GetEntry().GetChannel(), Device: e.GetEntry().GetDevice(), Value: e.GetMoney().GetMinor(), Currency: e.GetMoney().GetCurrency()}
	for _, f := range flagged {
		if e.Flags&f.flag != 0 {
			l.Reasons = append(l.Reasons, f.text)
		}
	}
	switch {
	case e.Visitor == "":
		l.Reasons = append(l.Reasons, "no visitor: joins the person, not a session")
	case !e.Interactive:
		l.Reasons = append(l.Reasons, "not interactive: opens no session")
	}
	return l
}

// refused is the line of a dead letter.
func refused(r *pb.Record, d *pb.DeadLetter) Line {
	l := Line{IngestedAt: r.IngestTs, Store: r.Store, Refused: d.Reason}
	if where := strings.TrimSpace(d.Path + " " + d.Rule); where != "" {
		l.Reasons = append(l.Reasons, where)
	}
	if d.Text != "" {
		l.Reasons = append(l.Reasons, d.Text)
	}
	return l
}

// contains tells whether a refused payload speaks of a visitor, who may be all that can be read of it.
func contains(original []byte, visitor string) bool {
	quoted, err := json.Marshal(visitor)
	return err == nil && bytes.Contains(original, quoted)
}

// String is the line for people, in columns.
func (l Line) String() string {
	at := time.UnixMilli(cmp.Or(l.EventAt, l.IngestedAt)).UTC().Format("15:04:05.000")
	what := l.Action
	if l.Refused != "" {
		what = "refused: " + l.Refused
	}
	who := cmp.Or(l.Visitor, l.User, "-")
	s := fmt.Sprintf("%s  %-10s %-20s %-24s %-16s %-8s", at, l.Store, who, what, l.Channel, l.Device)
	for _, more := range []string{l.Product, l.Order, l.money(), strings.Join(l.Reasons, "; ")} {
		if more != "" {
			s += " " + more
		}
	}
	return strings.TrimRight(s, " ")
}

func (l Line) money() string {
	if l.Currency == "" {
		return ""
	}
	return fmt.Sprintf("%d %s minor", l.Value, l.Currency)
}
