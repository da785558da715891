package facts

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/aggregator/table"
)

// Ensure that each field of an event stands in the column of its name, in every row, also after a reset.
func TestColumns(t *testing.T) {
	rec := &pb.Record{Store: "store", IngestTs: 1}
	e := &pb.Event{Visitor: "visitor", EventId: []byte("event_id"), EventTs: 2, OriginalTs: 3, SentTs: -4, Sequence: 5, Flags: 6, User: "user", Action: "action",
		Interactive: true, MessageId: "message_id", Url: "url", Path: "path", Title: "title", Referrer: "referrer", Entry: &pb.Entry{Channel: "channel",
			Source: "source", Medium: "medium", Campaign: "campaign", Term: "term", Content: "content", BrandSearch: "brand_search", ClickIdKind: "click_id_kind",
			ClickId: "click_id", Device: "device", Os: "os", Browser: "browser", Country: "country"}, Product: "product", Quantity: 7.5,
		Money: &pb.Money{Minor: 8, Currency: "currency"}, OrderId: "order_id", CartToken: "cart_token", CheckoutToken: "checkout_token", PayloadHash: 9,
		Properties: []byte("properties"), Protocol: "protocol", Origin: "origin"}
	f := New(0, 10, 11)
	f.last = 12
	numbers := map[string]any{"ingest_ts": 1, "event_ts": 2, "original_ts": 3, "sent_ts": 0, "sequence": 5, "flags": 6, "interactive": 1, "late": 1,
		"quantity": 7.5, "value_minor": 8, "payload_hash": 9, "generation": 10, "partition": 11, "offset": 12,
		"version": event.NewVersion(10, 12).Complement()}
	for range 2 {
		f.events.add(f, rec, &pb.Event{}, false)
		f.events.add(f, rec, e, true)
		rows := f.events.block().Rows()
		if len(rows) != 2 {
			t.Fatalf("%d rows", len(rows))
		}
		names := strings.Split(strings.ReplaceAll(table.Events.Columns, " ", ""), ",")
		if len(names) != len(rows[1]) {
			t.Fatalf("%d values for %d columns", len(rows[1]), len(names))
		}
		for i, name := range names {
			want := any(name)
			if n, ok := numbers[name]; ok {
				want = n
			}
			got := rows[1][i]
			if b, ok := got.([]byte); ok {
				got = string(b)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("column %s: got %v, want %v", name, got, want)
			}
		}
		f.events.reset()
	}
}
