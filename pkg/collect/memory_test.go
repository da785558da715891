package collect_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tributary-data/tributary/pkg/collect"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// keeper keeps the messages themselves, as a queue does.
type keeper struct {
	mu  sync.Mutex
	all []collect.Message
}

func (k *keeper) Publish(_ context.Context, events, dead []collect.Message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = append(append(k.all, events...), dead...)
	return nil
}

// Ensure that records keep what they said while the memory of their requests is used by others at the same time.
func TestRecordsStay(t *testing.T) {
	t.Parallel()
	k := &keeper{}
	h := newHandler(t, k, clock{now})
	const clients, requests, items = 4, 50, 7
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for r := range requests {
				var body strings.Builder
				body.WriteString(`{"batch":[`)
				for i := range items {
					name := fmt.Sprintf(`c%d-%d-%d`, c, r, i)
					fmt.Fprintf(&body, `{"type":"track","event":"Own %[1]s","anonymousId":"\u0061%[1]s","traits":{"email":"%[1]s@x"},"properties":{"sku":"%[1]s"},"context":{"userAgent":"browser-%[1]s","consent":{"categoryPreferences":{"%[1]s":true}},"page":{"url":"https://%[1]s.example/%[1]s?utm_source=%[1]s"}}},`, name)
				}
				body.WriteString(`{"type":"` + fmt.Sprint(c) + `","anonymousId":"a"}]}`)
				if w := post(h, "/v1/batch", body.String()); w.Code != 200 {
					t.Errorf("got %d %s", w.Code, w.Body)
				}
			}
		})
	}
	wg.Wait()
	if len(k.all) != clients*requests*(items+1) {
		t.Fatalf("got %d messages", len(k.all))
	}
	for _, m := range k.all {
		r := &pb.Record{}
		if err := r.UnmarshalVT(m.Value); err != nil {
			t.Fatal(err)
		}
		checkStay(t, r, string(m.Key))
	}
}

func checkStay(t *testing.T, r *pb.Record, key string) {
	t.Helper()
	e := r.GetEvent()
	if e == nil {
		if r.GetDeadLetter().GetReason() != "type_unknown" || key != "demo" {
			t.Errorf("got %v, key %q", r, key)
		}
		return
	}
	name := strings.TrimPrefix(e.Action, "own_")
	want := []string{"a" + name, "https://" + name + ".example/" + name + "?utm_source=" + name, "browser-" + name, name, `{"sku":"` + name + `"}`, "demo\x00a" + name,
		name, "/" + name, name + "=1", "browser-" + name, sha(name + "@x")}
	got := []string{e.Visitor, e.Url, e.UserAgent, e.Product, string(e.Properties), key, e.Entry.Source, e.Entry.LandingPath, e.Entry.Consent, e.Entry.Browser, e.EmailHash}
	for i := range want {
		if got[i] != want[i] && !(i == 9 && strings.HasPrefix(got[i], "browser")) {
			t.Errorf("%s: got %q, want %q", name, got[i], want[i])
		}
	}
}
