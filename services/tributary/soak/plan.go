package soak

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// kind of a fault.
type kind string

// Faults. All but the stops are what a machine does to a process without asking.
const (
	// faultKill is kill -9, and a start at once.
	faultKill kind = "kill"
	// faultCrash is the same, and the next start dies at a fail point between acknowledged outputs and the commit of the state.
	faultCrash kind = "crash"
	// faultGone is kill -9, and a start only after the session timeout: the group shares the partitions anew.
	faultGone kind = "gone"
	// faultEmpty is kill -9, and a start on an empty state folder.
	faultEmpty kind = "empty"
	// faultMoved is both: another member has gone on with the partitions when this one comes back with nothing.
	faultMoved kind = "moved"
	// faultPause is SIGSTOP, shorter than the session timeout.
	faultPause kind = "pause"
	// faultZombie is SIGSTOP, longer than the session timeout: it wakes and believes that its partitions are its own.
	faultZombie kind = "zombie"
	// faultStop is SIGTERM, and a start at once.
	faultStop kind = "stop"
)

// sessionTimeout of group members; the broker allows no shorter one.
const sessionTimeout = 6 * time.Second

// fault is one line of the plan.
type fault struct {
	// After is the pause since the fault before.
	After time.Duration
	Kind  kind
	// Service and Instance that it meets, from 1: the next one that runs if that one is down.
	Service  string
	Instance int
	// Down is how long it does not run.
	Down time.Duration
	// Nth time that it comes by the fail point it dies.
	Nth int
}

func (f fault) String() string {
	s := fmt.Sprintf("%s %s-%d, down %s", f.Kind, f.Service, f.Instance, f.Down.Round(10*time.Millisecond))
	if f.Nth > 0 {
		s += fmt.Sprintf(", then dies at flush %d", f.Nth)
	}
	return s
}

// Services, and how many instances of each.
const (
	ingest      = "ingest"
	sessionizer = "sessionizer"
	aggregator  = "aggregator"
	broker      = "kafka"
	engine      = "clickhouse"

	ingests   = 2
	statefuls = 3
)

// round is how long one deck of faults takes: each kind has its turn in every one.
const round = 20 * time.Second

// plan draws the faults of a soak: a function of the arguments alone.
func plan(seed uint64, length time.Duration, brokers int) (out []fault) {
	r := rand.New(rand.NewPCG(seed, 0x50a4))
	for n := 0; time.Duration(n)*round < length; n++ {
		deck := deck(r, n, brokers)
		r.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		for i := range deck {
			deck[i].After = between(r, round/time.Duration(len(deck))*8/10, round/time.Duration(len(deck))*12/10)
		}
		out = append(out, deck...)
	}
	return out
}

// deck is one of each, in no order: kinds that are costly take turns.
func deck(r *rand.Rand, n, brokers int) []fault {
	soon := func() time.Duration { return between(r, 100*time.Millisecond, 1500*time.Millisecond) }
	long := func() time.Duration { return between(r, sessionTimeout+2*time.Second, sessionTimeout+5*time.Second) } // a broker that comes back gives members new time
	stateful := func(k kind, down time.Duration) fault {
		return fault{Kind: k, Service: []string{sessionizer, aggregator}[r.IntN(2)], Instance: 1 + r.IntN(statefuls), Down: down}
	}
	var out []fault
	for i := range 4 {
		f := stateful(faultCrash, soon())
		f.Service, f.Nth = []string{sessionizer, aggregator}[i%2], 1+r.IntN(8)
		out = append(out, f)
	}
	// One of those that are in three groups, for certain: the groups have to be shared anew often.
	out = append(out, fault{Kind: faultGone, Service: aggregator, Instance: 1 + r.IntN(statefuls), Down: long()})
	turn := func(list ...kind) kind { return list[n%len(list)] }
	out = append(out, stateful(faultKill, soon()), stateful(faultZombie, long()), stateful(turn(faultGone, faultMoved), long()),
		stateful(turn(faultEmpty, faultPause, faultStop), between(r, time.Second, 4*time.Second)),
		fault{Kind: turn(faultKill, faultPause, faultStop), Service: ingest, Instance: 1 + r.IntN(ingests), Down: soon()},
		fault{Kind: turn(faultKill, faultStop), Service: broker, Instance: 1 + r.IntN(brokers), Down: soon()})
	return out
}

func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(to-from)))
}
