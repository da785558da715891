package demo

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/services/tributary/verdict"
)

func kills(n int) map[string]int {
	by := map[string]int{}
	for _, v := range victims {
		by[v] = n
	}
	return by
}

// Ensure that chaos that did too little is no proof, whatever the numbers say, and that a difference stays a difference.
func TestTooLittleChaos(t *testing.T) {
	idle := kills(10)
	idle["kafka"] = 0
	for _, c := range []struct {
		chaos        ChaosResult
		events, exit int
		want         int
		says         string
	}{
		{ChaosResult{Kills: 20, Between: 5, By: kills(4)}, 1, 0, 0, ""},
		{ChaosResult{Kills: 19, Between: 5, By: kills(4)}, 1, 0, 4, "19 kills, expected at least 20"},
		{ChaosResult{Kills: 20, Between: 4, By: kills(4)}, 1, 0, 4, "4 kills between outputs and commit"},
		{ChaosResult{Kills: 40, Between: 9, By: idle}, 1, 0, 4, "kafka was never killed"},
		{ChaosResult{Kills: 20, Between: 5, By: kills(4)}, 0, 0, 4, "no event was in flight"},
		{ChaosResult{Kills: 1, By: kills(0)}, 1, 3, 3, ""},
	} {
		v := verdict.Verdict{Events: c.events, Exit: c.exit}
		c.chaos.settle(&v, Ledger{})
		if v.Exit != c.want || !strings.Contains(v.String(), c.says) {
			t.Errorf("%+v: exit %d, want %d: %s", c.chaos, v.Exit, c.want, v)
		}
	}
}

// Ensure that the ledger is compared in both directions, and that what does not balance is a difference.
func TestLedger(t *testing.T) {
	acknowledged, err := readLedger(strings.NewReader(`{"message_id":"a","clock":1}` + "\n" + `{"message_id":"b"}` + "\n" + `{"message_id":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	l := balance(acknowledged, map[string]bool{"b": true, "c": true, "d": true})
	if l != (Ledger{Acknowledged: 2, Stored: 3, Lost: 1, Unknown: 2}) {
		t.Errorf("got %s", l)
	}
	v := verdict.Verdict{Events: 3}
	ChaosResult{Kills: 20, Between: 5, By: kills(4)}.settle(&v, l)
	if v.Exit != verdict.ExitDiffers || v.Difference != 3 {
		t.Errorf("exit %d, difference %d", v.Exit, v.Difference)
	}
	if _, err := readLedger(strings.NewReader("nonsense")); err == nil {
		t.Error("nonsense was read")
	}
}

// Ensure that what ends by a fail point counts as a kill between outputs and commit, and what ends by itself as none.
func TestKillsAreCounted(t *testing.T) {
	var out strings.Builder
	c := newChaos(&runner{out: &out})
	for _, code := range []int{137, 1, 137} {
		err := exec.Command("sh", "-c", fmt.Sprint("exit ", code)).Run()
		c.ended("aggregator", fmt.Errorf("aggregator ended: %w", err))
	}
	c.ended("aggregator", errors.New("aggregator: no Kafka broker listens"))
	c.ended("aggregator", fmt.Errorf("aggregator ended: %w", exec.Command("sh", "-c", "kill -9 $$").Run()))
	if r := c.result(); r.Kills != 2 || r.Between != 2 || r.By["aggregator"] != 2 {
		t.Errorf("got %+v", r)
	}
	if !strings.Contains(out.String(), "kill 2: aggregator, between outputs and commit") || !strings.Contains(out.String(), "aggregator ended: exit status 1") ||
		!strings.Contains(out.String(), "no Kafka broker listens") || strings.Contains(out.String(), "signal") {
		t.Errorf("said:\n%s", out.String())
	}
	planted := 0
	for range 200 {
		if s := c.settings("sessionizer"); len(s) > 0 && strings.HasPrefix(s[0], "TRIBUTARY_CRASH=crash=written:") {
			planted++
		}
	}
	if planted < 120 || planted == 200 || c.settings("kafka") != nil {
		t.Errorf("%d of 200 starts have a planted crash", planted)
	}
	c.end()
	if c.settings("sessionizer") != nil {
		t.Error("a crash is planted after the day")
	}
}
