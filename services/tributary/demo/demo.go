// Package demo plays a simulated storefront's day through the whole pipeline on this machine, and proves the result.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/obs"
	"github.com/tributary-data/tributary/pkg/sim"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/tributary/stack"
	"github.com/tributary-data/tributary/services/tributary/verdict"
)

// Config of a demo.
type Config struct {
	// Events of a day, about; Days in a row, 0 = 1; Seed of the storefront.
	Events int
	Days   int
	Seed   uint64
	// Pace is the wall time that the day takes; 0 is full speed.
	Pace time.Duration
	// Clean plays one store's faultless traffic instead of three stores' dirty one.
	Clean bool
	// Chaos kills processes at random while the day is played.
	Chaos bool
	// Keep leaves the pipeline running until the context ends, and the data afterwards.
	Keep bool
	// JSON prints the result as JSON, and progress to standard error.
	JSON bool
	// Sabotage is none, drop, dup or move.
	Sabotage string
	// Incidents are kinds of what happens to the storefront on the last day: see sim.IncidentKinds.
	Incidents []string
	// Addr of ingest; empty is a free loopback port.
	Addr string
	// Dir for data and logs; empty is a new one.
	Dir string
	// Prune deletes the folders of earlier runs first.
	Prune bool
}

// daysBack from wall time lies the virtual day: late enough for every event to be in the past, early enough for a
// broker that refuses old timestamps.
const daysBack = 6

// MostDays in a row: the last of them must be over, too.
const MostDays = daysBack - 1

// Run runs the demo and returns the verdict's exit code.
func Run(ctx context.Context, c Config) (code int, err error) {
	r := &runner{config: c, out: os.Stdout, began: time.Now()}
	if c.JSON {
		r.out = os.Stderr
	}
	if err := r.prepare(ctx); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.cleanUp()) }()
	if r.stack, err = stack.Start(ctx, r.stackConfig(ctx)); err != nil {
		if r.made && !strings.Contains(err.Error(), r.dir) { // its logs are in there
			_ = os.RemoveAll(r.dir) // why it did not start is what counts
		}
		return 0, err
	}
	defer r.stack.Stop()
	r.clock.AdminURL = "http://" + r.stack.IngestAdmin
	if err := r.applyStores(ctx); err != nil {
		return 0, err
	}
	if r.db, err = clickhouse.Open(clickhouse.Config{Addr: r.stack.ClickHouse}); err != nil {
		return 0, err
	}
	defer r.db.Close()
	v, err := r.playAndJudge(ctx)
	if err != nil {
		return 0, err
	}
	if c.Keep {
		r.keep(ctx)
	}
	return v.Exit, nil
}

// runner is one run of the demo.
type runner struct {
	config Config
	out    io.Writer
	began  time.Time

	dir, bin, engine string
	made             bool // the folder was not there before
	stores           []sim.StoreFile
	day              *sim.Day
	stack            *stack.Stack
	clock            clock
	shopOpen         atomic.Bool
	chaos            *chaos // nil without --chaos
	db               *clickhouse.DB
	result           sim.Result
	firstFunnel      time.Duration // from the start of the command until a funnel could be shown
}

// stackConfig takes the usual ports for a pipeline that is kept, where they are free: people will type them.
func (r *runner) stackConfig(ctx context.Context) stack.Config {
	c := stack.Config{Dir: r.dir, Bin: r.bin, Engine: r.engine, IngestAddr: r.config.Addr, Stores: filepath.Join(r.dir, "stores"), Partitions: schemas.PartitionsLaptop,
		Driven: true, Shop: r.config.Keep, Step: func(what string) { r.say("starting %s", what) }, Restart: true, Ended: r.ended,
		Started: func(name string) {
			if name == "ingest" {
				r.again(ctx)
			}
		}}
	if r.config.Chaos {
		r.chaos = newChaos(r)
		c.Bin, c.Settings = filepath.Join(r.bin, chaosPrograms), r.chaos.settings
	}
	if r.config.Keep {
		c.KafkaAddr, c.ClickHouseAddr = obs.Preferred("127.0.0.1:9092"), obs.Preferred("127.0.0.1:8123")
		if c.IngestAddr == "" {
			c.IngestAddr = obs.Preferred("127.0.0.1:8080")
		}
	}
	return c
}

// ended says that a process ended by itself, and what is done about it.
func (r *runner) ended(name string, why error, pause time.Duration) {
	if r.chaos != nil {
		r.chaos.ended(name, why)
		return
	}
	r.say("%s; starting it again in %s", shortened(why), pause)
}

func (r *runner) say(format string, args ...any) {
	fmt.Fprintf(r.out, "%7.1fs  %s\n", time.Since(r.began).Seconds(), fmt.Sprintf(format, args...))
}

// playAndJudge plays the day, waits until it is final, and compares. A child that dies ends it.
func (r *runner) playAndJudge(ctx context.Context) (v verdict.Verdict, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case err := <-r.stack.Dead():
			cancel(err)
		case <-ctx.Done():
		}
	}()
	defer func() {
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = cause
		}
	}()
	if err := r.play(ctx); err != nil {
		return v, fmt.Errorf("play the day: %w", err)
	}
	if err := r.finish(ctx); err != nil {
		return v, err
	}
	r.say("comparing with the ground truth, by SQL on the bi views")
	if v, err = verdict.Judge(ctx, r.db, r.day.Truth); err != nil {
		return v, fmt.Errorf("judge: %w", err)
	}
	l, err := r.ledger(ctx)
	if err != nil {
		return v, err
	}
	return v, r.report(&v, l)
}

// report prints what was measured and, last, the verdict, which chaos may make one of too little.
func (r *runner) report(v *verdict.Verdict, l Ledger) error {
	f := r.figures()
	result := map[string]any{"verdict": v, "figures": f, "ledger": l, "dir": r.dir}
	if r.chaos != nil {
		c := r.chaos.result()
		r.say("%s", c)
		r.say("%s", l)
		c.settle(v, l)
		result["chaos"] = c
	}
	if r.config.JSON {
		b, err := json.MarshalIndent(result, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Println(string(b))
		return err
	}
	fmt.Fprintln(r.out, f)
	if r.config.Keep {
		r.invite()
	}
	_, err := fmt.Fprintln(r.out, v)
	return err
}

// invite says how to look around. It comes before the verdict, which stays the last line.
func (r *runner) invite() {
	fmt.Fprintf(r.out, `Everything is still running; Ctrl-C stops it.
  shop         http://%[1]s/shop (click, and see your session)
  ingest       http://%[1]s/v1/batch   write key demo-write-key
  ClickHouse   http://%[2]s
  Kafka        %[3]s
  data, logs   %[4]s
Try:  curl 'http://%[2]s/?query=SELECT+*+FROM+bi.funnel_daily+LIMIT+5+FORMAT+PrettyCompact'
`, r.stack.Ingest, r.stack.ClickHouse, r.stack.Kafka, r.dir)
}

// keep opens the shop, now that no click can spoil the day, and waits.
func (r *runner) keep(ctx context.Context) {
	r.shopOpen.Store(true)
	r.openShop(ctx)
	select {
	case <-ctx.Done():
	case err := <-r.stack.Dead():
		r.say("%v", err)
	}
}

func (r *runner) openShop(ctx context.Context) {
	if err := r.stack.OpenShop(ctx); err != nil {
		r.say("the shop stays closed: %v", err)
	}
}

// again tells an ingest that was started again what the one before it was told.
func (r *runner) again(ctx context.Context) {
	if r.clock.again(ctx) && r.shopOpen.Load() {
		r.openShop(ctx)
	}
}

// cleanUp removes the data unless it is to be kept.
func (r *runner) cleanUp() error {
	if r.config.Keep || r.config.Dir != "" {
		return nil
	}
	if err := os.RemoveAll(r.dir); err != nil {
		return fmt.Errorf("remove the demo's folder: %w", err)
	}
	return nil
}

// ledgerFile holds the ids that ingest acknowledged, as JSON lines.
const ledgerFile = "ledger.jsonl"

// truthFiles writes the ground truth before anything is sent, and opens the ledger.
func (r *runner) truthFiles() (*os.File, error) {
	t, err := os.Create(filepath.Join(r.dir, "truth.jsonl"))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(r.day.WriteTruth(t), t.Close()); err != nil {
		return nil, fmt.Errorf("write the truth: %w", err)
	}
	return os.Create(filepath.Join(r.dir, ledgerFile))
}
