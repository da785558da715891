package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tributary-data/tributary/pkg/sim"
)

// patience is how often the storefront sends again what was not taken: also a process that dies over and over comes back
// within these minutes.
const patience = 40

// refresh is how often the screen is drawn.
const refresh = 500 * time.Millisecond

// play sends the day and shows the funnel filling up.
func (r *runner) play(ctx context.Context) error {
	ledger, err := r.truthFiles()
	if err != nil {
		return err
	}
	defer ledger.Close()
	r.say("playing %s: %s, %d events, %d sessions, seed %d", r.dates(), r.traffic(), len(r.day.Truth.Events), len(r.day.Truth.Sessions), r.config.Seed)
	if s := r.day.Sabotaged; s != nil {
		r.say("sabotage: %s of one event; the verdict must find it", s.Kind)
	}
	latest := make(chan sim.Progress, 1)
	done := make(chan error, 1)
	go func() {
		var err error
		r.result, err = sim.Run(ctx, r.day, sim.Target{IngestURL: "http://" + r.stack.Ingest, Clock: &r.clock, Ledger: ledger,
			Tries: patience, Progress: func(p sim.Progress) {
				replace(latest, p)
				if r.chaos != nil {
					r.chaos.progress()
				}
			}})
		done <- err
	}()
	if r.chaos != nil {
		killing, stop := context.WithCancel(ctx)
		defer stop()
		go r.chaos.run(killing)
	}
	s := &screen{runner: r}
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				return err
			}
			s.last(ctx)
			return ledger.Close()
		case <-tick.C:
			select {
			case p := <-latest:
				s.draw(ctx, p)
			default: // nothing new
			}
		}
	}
}

// dates says which days are played.
func (r *runner) dates() string {
	first := r.day.Config.Day.Format(time.DateOnly)
	if n := r.day.Config.Days; n > 1 {
		return fmt.Sprintf("%s to %s", first, r.day.Config.Day.AddDate(0, 0, n-1).Format(time.DateOnly))
	}
	return first
}

// traffic says what is played.
func (r *runner) traffic() string {
	if r.config.Clean {
		return "faultless traffic of one store"
	}
	return "traffic of three stores, late, repeated and disordered"
}

// replace puts p into a channel of one, over what is there.
func replace(c chan sim.Progress, p sim.Progress) {
	select {
	case <-c:
	default:
	}
	c <- p
}

// finalWithin is how long the pipeline may take to make the day final once the clock has moved on.
const finalWithin = 3 * time.Minute

// finish moves the clock past gap, lateness and allowance, and waits until every window of the day is final.
func (r *runner) finish(ctx context.Context) error {
	m, err := demoMeaning()
	if err != nil {
		return err
	}
	end := r.day.Config.Day.AddDate(0, 0, r.day.Config.Days)
	final := end.Add(time.Duration(m.SessionGap) + time.Duration(m.Lateness) + time.Minute)
	if err := r.clock.Set(ctx, final); err != nil {
		return fmt.Errorf("move the clock to the end: %w", err)
	}
	limit, cancel := context.WithTimeoutCause(ctx, finalWithin, errors.New("the day is not final after "+finalWithin.String()+"; the logs are in "+r.dir+"/log"))
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	told := time.Now()
	for {
		through, done, err := r.isFinal(limit, end, final.Add(-time.Minute))
		if done {
			r.say("every window of the day is final")
			return r.showFinal(ctx)
		}
		if time.Since(told) > 2*time.Second {
			told = time.Now()
			r.say("waiting: sessions are final through %s", through.Format(time.DateTime))
		}
		select {
		case <-limit.Done():
			return errors.Join(context.Cause(limit), err)
		case <-tick.C:
		}
	}
}

// isFinal asks how far sessions are final, and whether the day is: every window of it, and every dead letter in its table. An
// error may pass: the process that was asked may be starting again.
func (r *runner) isFinal(ctx context.Context, end, processed time.Time) (through time.Time, done bool, err error) {
	c, err := r.completeness(ctx)
	if err != nil {
		return through, false, fmt.Errorf("ask for completeness: %w", err)
	}
	through = c["sessions"].final
	if !c.reached(end, processed) {
		return through, false, nil
	}
	if done, err = r.lettersRead(ctx); err != nil {
		return through, false, fmt.Errorf("ask how far the dead letters are: %w", err)
	}
	return through, done, nil
}

// showFinal prints the funnel of the store named demo.
func (r *runner) showFinal(ctx context.Context) error {
	f, err := r.funnel(ctx)
	if err != nil {
		return fmt.Errorf("ask for the funnel: %w", err)
	}
	_, err = fmt.Fprintf(r.out, "\n store demo, people only, final\n\n%s\n\n", f)
	return err
}

// mark is how far one kind of rows is.
type mark struct{ processed, final time.Time }

type completeness map[string]mark

// reached tells whether the day's windows are final and everything up to processed has arrived.
func (c completeness) reached(end, processed time.Time) bool {
	s, e := c["sessions"], c["events"]
	return !s.final.Before(end) && !s.processed.Before(processed) && !e.processed.Before(processed)
}

func (r *runner) completeness(ctx context.Context) (completeness, error) {
	out := completeness{}
	err := r.db.Each(ctx, "SELECT toString(stage), processed_through, final_through FROM bi.completeness", func(scan func(...any) error) error {
		var stage string
		var m mark
		err := scan(&stage, &m.processed, &m.final)
		out[stage] = m
		return err
	})
	return out, err
}
