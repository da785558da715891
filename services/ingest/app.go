package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/collect"
	"github.com/tributary-data/tributary/pkg/enrich/country"
	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/obs"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/internal/boot"
	"github.com/tributary-data/tributary/services/internal/storeconf"
)

// maxClockLead between our clock and the broker's, above which ingest is unready.
const maxClockLead = 2 * time.Second

// app is ingest, built and not started.
type app struct {
	config   Config
	log      *zap.Logger
	client   *kafka.Client
	stores   loaded
	names    *event.Names
	country  collect.Countries // nil: nobody is asked
	views    *clickhouse.DB    // only with a shop
	health   *obs.Health
	registry *prometheus.Registry
	told     atomic.Pointer[broadcaster] // who tells the partitions the time; nil until Kafka's topics answer
}

// New builds ingest from its settings; it dials nothing.
func New(c Config, log *zap.Logger) (boot.Runner, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.Kafka.Waiting = func(why error) { log.Warn("waiting for Kafka", zap.Error(why)) }
	client, err := kafka.NewClient(c.Kafka)
	if err != nil {
		return nil, err
	}
	st, err := loadStores(c.Stores)
	if err != nil {
		return nil, err
	}
	names, err := event.NewNames(schemas.Actions)
	if err != nil {
		return nil, err
	}
	a := &app{config: c, log: log, client: client, stores: st, names: names, health: &obs.Health{}, registry: obs.NewRegistry()}
	if c.CountryDB != "" {
		if a.country, err = country.Open(c.CountryDB); err != nil {
			return nil, fmt.Errorf("TRIBUTARY_COUNTRY_DB: %w", err)
		}
	}
	if c.Shop {
		a.views, err = clickhouse.Open(c.ClickHouse)
	}
	return a, err
}

// Run serves until ctx ends. The admin port answers from the first moment, also while Kafka does not.
func (a *app) Run(ctx context.Context) error {
	defer a.client.Close()
	if a.views != nil {
		defer a.views.Close()
	}
	a.health.Unready("start", "the stores' configs are not acknowledged by every partition yet")
	g, ctx := errgroup.WithContext(ctx)
	admin := obs.Admin(a.registry, a.health)
	clock := collect.Clock(wallClock{a.config.ahead})
	if a.config.Clock == clockDriven {
		driven := &drivenClock{}
		clock = driven
		// From the first moment: whoever drives the clock must meet "not yet" and not a missing page.
		admin.HandleFunc("PUT /clock", clockHandler(driven, a.moved))
	}
	g.Go(func() error { return obs.Serve(ctx, a.config.AdminAddr, admin, boot.Announce("admin")) })
	g.Go(func() error { return a.serve(ctx, clock, admin) })
	return g.Wait()
}

// serve takes traffic as soon as the topics are there.
func (a *app) serve(ctx context.Context, clock collect.Clock, admin *http.ServeMux) error {
	events, dead, err := a.producers(ctx)
	if err != nil {
		return err
	}
	b := &broadcaster{events: events, clock: clock, files: a.stores.files, log: a.log, look: cmp.Or(a.config.openEvery, openEvery), conf: storeconf.Log{Notes: a.client, Writer: events,
		Topic: schemas.TopicEvents(a.config.Generation), Stamp: func() (int64, uint32) {
			now, flags, _ := clock.Now()
			return now.UnixMilli(), flags
		}}}
	h, err := collect.New(collect.Config{Stores: a.stores.stores, Names: a.names, Publisher: &publisher{events, dead}, Clock: clock,
		Metrics: collect.NewMetrics(a.registry), CountryHeader: a.config.CountryHeader, Countries: a.country, Proxies: a.config.Proxies})
	if err != nil {
		return err
	}
	traffic, err := a.withShop(a.gate(h), clock, admin)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	// Producers outlive the server, so that what is in flight at the end is still acknowledged.
	lanes, stopLanes := context.WithCancel(context.WithoutCancel(ctx))
	for _, p := range []*kafka.Producer{events, dead} {
		g.Go(func() error { return p.Run(lanes) })
	}
	a.told.Store(b)
	if a.config.Clock == clockWall {
		g.Go(func() error { return a.tellTime(ctx, b) })
	}
	g.Go(func() error {
		defer stopLanes()
		return obs.Serve(ctx, a.config.Addr, traffic, boot.Announce("traffic"))
	})
	return g.Wait()
}

// gate refuses traffic until the configs are known everywhere: an event before its store's config would mean nothing.
func (a *app) gate(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.health.IsReady() {
			w.Header().Set("Retry-After", "1")
			http.Error(w, `{"success":false,"error":"not ready yet"}`, http.StatusServiceUnavailable)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// producers find out how many partitions there are.
func (a *app) producers(ctx context.Context) (events, dead *kafka.Producer, err error) {
	topic := schemas.TopicEvents(a.config.Generation)
	n, err := a.client.WaitPartitions(ctx, topic)
	if err != nil {
		return nil, nil, err
	}
	nd, err := a.client.WaitPartitions(ctx, schemas.TopicDeadLetters)
	if err != nil {
		return nil, nil, err
	}
	c := kafka.ProducerConfig{Topic: topic, Partitions: n}
	if a.config.Clock == clockWall {
		c.OnAck = a.compareClocks
	}
	return kafka.NewProducer(a.client, c), kafka.NewProducer(a.client, kafka.ProducerConfig{Topic: schemas.TopicDeadLetters, Partitions: nd}), nil
}

// compareClocks turns ingest unready while its clock and the broker's are apart. The append lies between sent and now.
func (a *app) compareClocks(sent, appended time.Time) {
	if appended.IsZero() {
		a.unready("append time", "topic events stamps no append time: set message.timestamp.type=LogAppendTime")
		return
	}
	a.health.Ready("append time")
	lead := sent.Add(a.config.ahead).Sub(appended)
	if behind := time.Until(appended) - a.config.ahead; behind > lead {
		lead = behind
	}
	if lead > maxClockLead {
		a.unready("clock", fmt.Sprintf("our clock and the broker's are %s apart: check NTP", lead.Round(time.Millisecond)))
		return
	}
	a.health.Ready("clock")
}

// unready turns us unready, and logs why when that is new.
func (a *app) unready(part, why string) {
	if a.health.Unready(part, why) {
		a.log.Error("takes no events", zap.String("error", why))
	}
}

// moved is called when the driven clock was set: the first time it brings the stores' files, each time the ticks.
func (a *app) moved(r *http.Request) error {
	ctx, b := r.Context(), a.told.Load()
	if b == nil {
		return errors.New("the topics do not answer yet")
	}
	if !a.health.IsReady() {
		if _, err := b.open(ctx); err != nil {
			return err
		}
		a.health.Ready("start")
	}
	return b.tick(ctx)
}

// tryAgain is how long to wait after the stores' files could not be brought.
const tryAgain = time.Second

// tellTime brings the stores' files, opens the gate, and goes on with ticks.
func (a *app) tellTime(ctx context.Context, b *broadcaster) error {
	for {
		closed, err := b.open(ctx)
		if err == nil {
			a.health.Ready("start")
			return b.run(ctx, closed)
		}
		if ctx.Err() != nil {
			return nil
		}
		a.log.Warn("the stores' files are not everywhere yet, trying again", zap.Error(err))
		wait := time.NewTimer(tryAgain)
		select {
		case <-ctx.Done():
		case <-wait.C:
		}
		wait.Stop()
	}
}
