package sizes_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/collect"
	"github.com/tributary-data/tributary/pkg/enrich"
	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/sim"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/schemas"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
	"github.com/tributary-data/tributary/services/aggregator/cells"
	"github.com/tributary-data/tributary/services/aggregator/table"
	"github.com/tributary-data/tributary/services/sessionizer/visitor"
)

func minutes(n int) time.Duration { return time.Duration(n) * time.Minute }

// day is what the visitor stage made of a simulated day: the sessions of each partition, as records.
type day struct {
	file             string
	events, sessions int
	lanes            [partitions][][]byte
}

// edge is ingest without the network: it answers the simulator's client, and keeps what would go to Kafka.
type edge struct {
	mu      sync.Mutex
	now     time.Time
	handler http.Handler
	lanes   [partitions][][]byte
	events  int
}

func (e *edge) Set(_ context.Context, now time.Time) error { e.now = now; return nil }

func (e *edge) Now() (time.Time, uint32, bool) { return e.now, 0, true }

func (e *edge) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	r.RequestURI = r.URL.RequestURI()
	e.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

func (e *edge) Publish(_ context.Context, events, dead []collect.Message) error {
	if len(dead) > 0 {
		return fmt.Errorf("%d dead letters in clean traffic", len(dead))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range events {
		r := &pb.Record{}
		if err := r.UnmarshalVT(m.Value); err != nil {
			return err
		}
		en := r.GetEvent()
		en.Entry.Country = countryOf(en.Visitor) // the simulator tells none
		b, err := r.MarshalVT()
		if err != nil {
			return err
		}
		p := event.Partition(m.Key, partitions)
		e.lanes[p] = append(e.lanes[p], b)
		e.events++
	}
	return nil
}

// countryOf a visitor: half of them at home, the rest from eleven others, as shops have it.
func countryOf(visitor string) string {
	const share = "DE DE DE DE DE DE DE DE DE DE AT AT CH CH FR IT NL PL ES GB US SE"
	list := strings.Fields(share)
	return list[event.PayloadHash([]byte(visitor))%uint64(len(list))]
}

// play sends a clean day through ingest's handler and the visitor stage.
func play(tb testing.TB, events int) *day {
	tb.Helper()
	c := sim.Config{Seed: 1, Events: events, Day: time.Date(2026, 11, 18, 0, 0, 0, 0, time.UTC), Clean: true}
	d, err := sim.Plan(c)
	if err != nil {
		tb.Fatal(err)
	}
	files, err := sim.Stores(c)
	if err != nil || len(files) != 1 {
		tb.Fatalf("clean traffic has %d store files, %v", len(files), err)
	}
	f, err := stores.Parse(files[0].File)
	if err != nil {
		tb.Fatal(err)
	}
	en, err := enrich.New(schemas.Channels, enrich.StoreRules{OwnDomains: f.Edge.OwnDomains, PaymentDomains: f.Edge.PaymentDomains, BrandPattern: f.Meaning.BrandPattern})
	if err != nil {
		tb.Fatal(err)
	}
	names, err := event.NewNames(schemas.Actions)
	if err != nil {
		tb.Fatal(err)
	}
	e := &edge{}
	e.handler, err = collect.New(collect.Config{Names: names, Publisher: e, Clock: e,
		Stores: collect.Stores{files[0].WriteKey: &collect.Store{Name: f.Store, Currency: f.Meaning.Currency, Enricher: en}}})
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := sim.Run(tb.Context(), d, sim.Target{IngestURL: "http://ingest", Clock: e, Ledger: io.Discard, Concurrency: 1, Client: &http.Client{Transport: e}}); err != nil {
		tb.Fatal(err)
	}
	out := &day{file: string(files[0].File), events: e.events}
	for p := range e.lanes {
		out.fold(tb, f.Store, p, e.lanes[p])
	}
	return out
}

// configOf a store, as the log has it.
func configOf(tb testing.TB, store, file string) []byte {
	tb.Helper()
	b, err := (&pb.Record{Kind: pb.Kind_KIND_CONFIG, Store: store, Source: &pb.Source{}, Body: &pb.Record_Config{Config: &pb.Config{ConfigId: "1", File: []byte(file)}}}).MarshalVT()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// fold a partition's events, and keep its sessions.
func (d *day) fold(tb testing.TB, store string, p int, events [][]byte) {
	tb.Helper()
	v := visitor.NewFold("events.g0", 0, uint32(p))
	for i, value := range append([][]byte{configOf(tb, store, d.file)}, events...) {
		if err := v.Apply(stream.Record{Offset: int64(i), Value: value}); err != nil {
			tb.Fatal(err)
		}
	}
	out, err := v.Flush()
	if err != nil {
		tb.Fatal(err)
	}
	for _, m := range out.Sessions {
		r := &pb.Record{}
		if err := r.UnmarshalVT(m.Value); err != nil {
			tb.Fatal(err)
		}
		if r.GetSession() != nil {
			d.lanes[p] = append(d.lanes[p], m.Value)
			d.sessions++
		}
	}
}

// size of the cells of one window.
type size struct{ rows, bytes int }

// store makes the cells of the day under these breakdowns, stores them merged and alone, and asks the engine how much it is.
func (d *day) store(tb testing.TB, db *clickhouse.DB, breakdowns, allow string) map[string]size {
	tb.Helper()
	f, err := stores.Parse([]byte(d.file))
	if err != nil {
		tb.Fatal(err)
	}
	file := strings.ReplaceAll(d.file, "breakdowns:\n        - [channel, device]", "breakdowns: "+breakdowns)
	if allow != "" {
		file = strings.ReplaceAll(file, "breakdowns: ", "allow: {"+allow+"}\n      breakdowns: ")
	}
	if !strings.Contains(file, breakdowns) {
		tb.Fatal("the simulator's store file has no breakdowns to replace")
	}
	exec(tb, db, "TRUNCATE TABLE tributary.funnel_cells")
	ctx, stop := context.WithCancel(tb.Context())
	w := clickhouse.NewWriter(db, zap.NewNop())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	for p := range d.lanes {
		c := cells.New(0, 0, uint16(p))
		for i, value := range append([][]byte{configOf(tb, f.Store, file)}, d.lanes[p]...) {
			if err := c.Apply(stream.Record{Offset: int64(i), Value: value}); err != nil {
				tb.Fatal(err)
			}
		}
		s, err := c.Flush()
		if err != nil {
			tb.Fatal(err)
		}
		for _, in := range s.Data {
			if in.Table == &table.Cells {
				if err := w.Write(ctx, clickhouse.Submission{Data: []clickhouse.Insert{in}}); err != nil {
					tb.Fatal(err)
				}
			}
		}
	}
	stop()
	if err := <-done; err != nil {
		tb.Fatal(err)
	}
	exec(tb, db, "OPTIMIZE TABLE tributary.funnel_cells FINAL")
	return sizes(tb, db)
}

func exec(tb testing.TB, db *clickhouse.DB, statement string) {
	tb.Helper()
	if err := db.Exec(tb.Context(), statement); err != nil {
		tb.Fatal(err)
	}
}

// sizes of the table's parts, by window.
func sizes(tb testing.TB, db *clickhouse.DB) map[string]size {
	tb.Helper()
	out := map[string]size{}
	err := db.Each(tb.Context(), "SELECT if(partition LIKE '%,60)', 'minute', 'quarter') AS window, toInt64(sum(rows)), toInt64(sum(bytes_on_disk)) FROM system.parts "+
		"WHERE database = 'tributary' AND table = 'funnel_cells' AND active GROUP BY window", func(scan func(...any) error) error {
		var window string
		var rows, bytes int64
		err := scan(&window, &rows, &bytes)
		out[window] = size{int(rows), int(bytes)}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}
