package soak

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tributary-data/tributary/services/tributary/traffic"
)

const (
	// perVisit events of a visitor come together, visits of them in a request, as a server's library sends them.
	perVisit, visits = 10, 5
	perBatch         = perVisit * visits
	// rate of events that the load tries to keep, per second; after a pause of everything it catches up.
	rate = 4600
	// perMinute visitors come for each minute of the soak.
	perMinute = 3000
	// senders of each ingest.
	senders = 12
	// unheard is the share of acknowledged batches that are sent again, to the other ingest, as by a client that lost the answer.
	unheard = 40
	// answerWithin is how long a sender waits for an answer before it sends the same again.
	answerWithin = 8 * time.Second
)

// load sends batches whose ids are known, through all ingests.
type load struct {
	seed     uint64
	visitors int
	addrs    []string
	ledger   *ledger
	next     atomic.Int64
	retries  atomic.Int64
}

func newLoad(seed uint64, length time.Duration, addrs []string) *load {
	return &load{seed: seed, visitors: perMinute * max(1, int(length/time.Minute)), addrs: addrs, ledger: &ledger{seed: seed}}
}

// send sends until soft ends. What was begun then is sent on until it is acknowledged or hard ends: what is neither then may be
// stored or not. An answer that says that it never will be taken ends everything.
func (l *load) send(soft, hard context.Context) error {
	hard, fail := context.WithCancelCause(hard)
	defer fail(nil)
	tr := &http.Transport{MaxIdleConnsPerHost: senders, DisableCompression: true}
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr, Timeout: answerWithin}
	began := time.Now()
	var all sync.WaitGroup
	for s := range senders * len(l.addrs) {
		all.Go(func() {
			var b bytes.Buffer
			for soft.Err() == nil && hard.Err() == nil {
				n := int(l.next.Add(1)) - 1
				due := began.Add(time.Duration(n) * perBatch * time.Second / rate)
				if sleep(soft, time.Until(due)) != nil {
					return
				}
				l.body(&b, n, time.Now())
				l.ledger.sent(n)
				err := l.deliver(hard, client, s, b.Bytes())
				if err == nil {
					l.ledger.acknowledge(n)
					if n%unheard == 0 {
						err = l.deliver(hard, client, s+1, b.Bytes())
					}
				}
				if err != nil && hard.Err() == nil {
					fail(err)
				}
			}
		})
	}
	all.Wait()
	return context.Cause(hard)
}

// deliver sends the same bytes until they are acknowledged, each time to the next ingest.
func (l *load) deliver(ctx context.Context, client *http.Client, first int, body []byte) error {
	for try := 0; ; try++ {
		err := traffic.Post(ctx, client, "http://"+l.addrs[(first+try)%len(l.addrs)]+"/v1/batch", body)
		var status traffic.StatusError
		if err == nil || ctx.Err() != nil || errors.As(err, &status) && status.Code < 500 && status.Code != http.StatusTooManyRequests {
			return err
		}
		l.retries.Add(1)
		if err := sleep(ctx, min(time.Duration(1+try)*50*time.Millisecond, time.Second)); err != nil {
			return err
		}
	}
}

// body writes batch n: visits of which most happened in the last twelve hours, so that they extend, bridge and re-open sessions in
// every window, some now, and a few so long ago that they are late.
func (l *load) body(b *bytes.Buffer, n int, now time.Time) {
	messages := make([]traffic.Message, 0, perBatch)
	for k := range visits {
		v := n*visits + k
		draw := mixed(l.seed, uint64(v))
		ago := 10*time.Minute + time.Duration(draw>>20%(12*3600))*time.Second
		switch draw % 100 {
		case 0:
			ago += 24 * time.Hour
		case 1, 2, 3, 4, 5, 6, 7, 8, 9:
			ago = 20 * time.Second
		}
		list, user := &browses, ""
		if draw>>8%8 == 0 {
			list = &buys
		}
		visitor := int(draw >> 32 % uint64(l.visitors))
		if visitor%10 == 0 && draw>>12%4 == 0 { // people who log in, at times as somebody else
			user = fmt.Sprintf("u-%d-%d", visitor, draw>>16%2)
		}
		for i, a := range list {
			messages = append(messages, traffic.Message{Action: a, Visitor: visitor, User: user, Turn: v, ID: messageID(l.seed, n, k*perVisit+i),
				At: now.Add(time.Duration(i)*time.Second - ago), Order: fmt.Sprintf("o-%d", v)})
		}
	}
	traffic.Batch(b, now, messages...)
}

// mixed is a well-spread function of two numbers (the finaliser of MurmurHash3).
func mixed(a, b uint64) uint64 {
	h := a*0x9e3779b97f4a7c15 ^ b
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// What a visitor does who looks, and one who buys.
var (
	browses = [perVisit]traffic.Action{
		page("/"), track("Product List Viewed", `"list_id":"jackets",`, "/jackets", 0), view(1), view(2),
		track("Product Added to Wishlist", `"product_id":"p-{}",`, "/p/{}", 2), track("Products Searched", `"query":"softshell",`, "/search", 0),
		view(3), track("Product Added", `"product_id":"p-{}","quantity":1,"price":149.00,`, "/p/{}", 3), track("Cart Viewed", `"cart_id":"c-77",`, "/cart", 0), view(4),
	}
	buys = [perVisit]traffic.Action{
		page("/"), view(1), track("Product Added", `"product_id":"p-{}","quantity":1,"price":149.00,`, "/p/{}", 1), track("Cart Viewed", `"cart_id":"c-77",`, "/cart", 0),
		track("Checkout Started", `"value":149.00,`, "/checkout", 0), track("Checkout Step Completed", `"step":1,`, "/checkout", 0),
		track("Payment Info Entered", "", "/checkout", 0), track("Order Completed", `"order_id":"<>","revenue":149.00,`, "/thanks", 0), view(2), page("/"),
	}
)

func page(path string) traffic.Action { return traffic.Action{Kind: "page", Path: path} }

func track(name, properties, path string, place int) traffic.Action {
	return traffic.Action{Kind: "track", Name: name, Properties: properties, Path: path, Place: place}
}

func view(place int) traffic.Action {
	return track("Product Viewed", `"product_id":"p-{}","price":89.95,`, "/p/{}", place)
}
