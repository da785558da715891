package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// exitCode ends the process without a further word.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit %d", int(c)) }

// errCall marks what is wrong with a call or its settings. It has no words of its own.
var errCall = stack.ErrSettings

// wrongCall tells whether an error is the caller's: trying again the same way would not help.
func wrongCall(err error) bool {
	return errors.Is(err, errCall) || errors.Is(err, kafka.ErrAddress) || errors.Is(err, clickhouse.ErrAddress)
}

// cli is the command line.
type cli struct {
	Demo          demoCmd          `cmd:"" help:"Run everything on this machine, play a simulated storefront's day through it, and prove the result."`
	Dev           devCmd           `cmd:"" help:"Run everything on this machine for your own traffic."`
	Send          sendCmd          `cmd:"" help:"Send one event to ingest, as an SDK would."`
	Tail          tailCmd          `cmd:"" help:"Show events as ingest accepts them, and what it refuses and why."`
	Query         queryCmd         `cmd:"" help:"Run SQL, or show a view, and print a table, CSV or JSON."`
	Diagnose      diagnoseCmd      `cmd:"" help:"Say why a funnel's conversion moved: traffic mix, storefront, one segment, lost events."`
	SuggestValues suggestValuesCmd `cmd:"" help:"Propose the values that a breakdown keeps, from the sessions of the last days."`
	Reconcile     reconcileCmd     `cmd:"" help:"Recount what is stored from what it was made of, and say where the two differ."`
	Backfill      backfillCmd      `cmd:"" help:"Count a new version of a funnel for the time before it came into force."`
	Annotate      annotateCmd      `cmd:"" help:"Write down a release, an incident, a campaign or a promotion: diagnoses mention it."`
	Topics        topicsCmd        `cmd:"" help:"Create Kafka's topics, or check them for drift."`
	Store         storeCmd         `cmd:"" help:"Check, apply and show store files."`
	State         stateCmd         `cmd:"" help:"List, verify and rebuild the stages' state, and go on where a log lost records."`
	Restate       restateCmd       `cmd:"" help:"Say anew what the log means, under other rules or with a mended program, beside the live one; then switch."`
	Lag           lagCmd           `cmd:"" help:"Show how far behind each partition of each stage is, and when it will have caught up."`
	Bench         benchCmd         `cmd:"" help:"Measure what each stage costs on this machine, beside its limit."`
	Migrate       migrateCmd       `cmd:"" help:"Create or update ClickHouse's databases, tables and views."`

	Soak      soakCmd      `cmd:"" hidden:"" help:"Run several instances of everything under load, break them at random, and prove the result."`
	Accept    acceptCmd    `cmd:"" hidden:"" help:"Draw incidents, diagnose them, and compare with the truth."`
	BenchNoop benchNoopCmd `cmd:"" hidden:"" help:"Answer requests and do nothing else."`
	BenchWalk benchWalkCmd `cmd:"" hidden:"" help:"Read a topic to its end and do nothing with it."`
	BenchCopy benchCopyCmd `cmd:"" hidden:"" help:"Copy the rows of events."`

	EmbeddedKafka      embeddedKafkaCmd      `cmd:"" hidden:"" help:"Run the laptop's broker."`
	EmbeddedClickHouse embeddedClickHouseCmd `cmd:"" name:"embedded-clickhouse" hidden:"" help:"Run the laptop's engine."`
}

// run parses the arguments and runs their command.
func run(ctx context.Context, args []string) error {
	var c cli
	parser, err := kong.New(&c, kong.Name("tributary"), kong.BindTo(ctx, (*context.Context)(nil)), kong.UsageOnError(),
		kong.Description("Micro-conversion funnels of your own storefront, in your own Kafka and ClickHouse.\n\nStart with: tributary demo"))
	if err != nil {
		return fmt.Errorf("command line: %w", err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "tributary: %v; see tributary --help\n", err)
		return exitCode(2)
	}
	return parsed.Run()
}
