// Package collect is the edge: it turns HTTP requests of storefront clients into canonical records.
//
// One file per wire protocol. It decides who may send (write keys), what is too much (limits), and what an answer means:
// 200 only after the records are safe. It knows no Kafka: a Publisher takes the records.
package collect

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/tributary-data/tributary/pkg/enrich"
	"github.com/tributary-data/tributary/pkg/event"
)

// Limits of one request; those of one event are in package event.
const (
	// MaxBody is the most that a request may hold after decompression.
	MaxBody = 500 << 10
	// MaxItems of one batch.
	MaxItems = 2500
)

// Message is one encoded record and the key that decides its partition.
type Message struct{ Key, Value []byte }

// ErrBusy says that records cannot be taken now; the client should come back.
var ErrBusy = errors.New("the log cannot take records now")

// Publisher makes records safe. It returns when all of them are acknowledged by every in-sync replica; any error means
// that some may not be, and that the client must send them again. The messages are the publisher's own.
type Publisher interface {
	Publish(ctx context.Context, events, deadLetters []Message) error
}

// Countries know the country of an address, ISO 3166 alpha-2, empty if unknown. They keep no address.
type Countries interface {
	Country(addr netip.Addr) string
}

// Clock is ingest's clock. ok is false while no time may be stamped (a driven clock that was not set yet); flags are
// those of the record envelope.
type Clock interface {
	Now() (now time.Time, flags uint32, ok bool)
}

// Store is what the edge knows of one store.
type Store struct {
	// Name of the store; part of every key.
	Name string
	// Currency of amounts that come without one, ISO 4217.
	Currency string
	// Enricher with the store's own rules.
	Enricher *enrich.Enricher
	// Internal are the networks of the store's own people: events from them are flagged. Servers that send what
	// customers do belong in none.
	Internal []netip.Prefix
	// Open tells whether every partition knows what the store's events mean; until then they are not taken. Nil: yes.
	Open *atomic.Bool
	// Origins of the pages that may send, such as https://shop.example. Empty: any.
	Origins []string
}

func (s *Store) closed() bool { return s.Open != nil && !s.Open.Load() }

// Stores finds a store by write key.
type Stores map[string]*Store

// Config of a Handler.
type Config struct {
	Stores    Stores
	Names     *event.Names
	Publisher Publisher
	Clock     Clock
	// Metrics may be nil.
	Metrics *Metrics
	// Timeout for the acknowledgement of one request's records. Default: 10s
	Timeout time.Duration
	// CountryHeader in which a CDN tells the client's country, such as CF-IPCountry. Empty: none does.
	CountryHeader string
	// Countries are asked where the header does not tell. Nil: nobody is.
	Countries Countries
	// Proxies whose X-Forwarded-For is believed. Empty: none.
	Proxies []netip.Prefix
}
