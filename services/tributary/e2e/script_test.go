package e2e_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// The script of the crash tests: batches on a driven clock, so that two runs get the same events at the same times.
const (
	batches   = 6
	perBatch  = 12
	shoppers  = 19
	batchStep = 20 * time.Minute
)

// scriptDay is when the script begins.
var scriptDay = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// batchTime is the clock of batch i.
func batchTime(i int) time.Time { return scriptDay.Add(time.Duration(i) * batchStep) }

var scriptEvents = []string{"Product Viewed", "Product Added", "Checkout Started", "Newsletter Subscribed", "Order Completed"}

// item j of batch i. Times go back and forth by up to three hours: sessions grow at both ends, join, and move their entry.
func item(i, j int) map[string]any {
	page := map[string]any{"url": "https://shop.example/sale?utm_source=newsletter&utm_medium=email"}
	if (i+j)%3 == 0 {
		page = map[string]any{"url": "https://shop.example/", "referrer": "https://www.google.com/"}
	}
	n := i*perBatch + j
	return map[string]any{
		"type": "track", "event": scriptEvents[n%len(scriptEvents)], "messageId": fmt.Sprintf("m-%d-%d", i, j),
		"anonymousId": fmt.Sprintf("v-%d", n%shoppers), "context": map[string]any{"page": page},
		"timestamp":  batchTime(i).Add(-time.Duration(n*37%180) * time.Minute).Format(time.RFC3339),
		"properties": map[string]any{"order_id": fmt.Sprintf("o-%d", n/2), "revenue": fmt.Sprintf("%d.50", n), "currency": "EUR"},
	}
}

// batchBody is the request of batch i. Its last item is one of the batch before, sent again.
func batchBody(t *testing.T, i int) string {
	t.Helper()
	var items []map[string]any
	for j := range perBatch {
		items = append(items, item(i, j))
	}
	items = append(items, item(max(0, i-1), 3))
	b, err := json.Marshal(map[string]any{"batch": items, "sentAt": batchTime(i).Format(time.RFC3339)})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
