package soak

import (
	"strings"
	"testing"
)

func enough(seconds int) Result {
	return Result{Seconds: seconds, Stored: Stored{Acknowledged: minEvents * seconds / 60, Stored: minEvents * seconds / 60}, Rebalances: minRebalances * seconds / 60,
		Counts: Counts{Kills: minKills * seconds / 60, Between: minBetween * seconds / 60}, Tables: []Table{{Name: "sessions", Rows: 3}, {Name: "funnel_cells", Rows: 9}}}
}

// Ensure that a soak that shows too little is no proof, by what a minute must hold, and that a difference counts first.
func TestSettle(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Result)
		exit   int
		says   string
	}{
		"enough":          {func(*Result) {}, 0, ""},
		"few events":      {func(r *Result) { r.Stored.Acknowledged--; r.Stored.Stored-- }, 4, "399999 events acknowledged in 120 s, expected at least 400000"},
		"few kills":       {func(r *Result) { r.Counts.Kills-- }, 4, "39 kills in 120 s, expected at least 40"},
		"few between":     {func(r *Result) { r.Counts.Between-- }, 4, "9 kills between outputs and commit"},
		"few rebalances":  {func(r *Result) { r.Rebalances-- }, 4, "9 rebalances"},
		"no cells":        {func(r *Result) { r.Tables[1].Rows = 0 }, 4, "no cell"},
		"lost":            {func(r *Result) { r.Stored.Stored--; r.Counts.Kills = 0 }, 1, ""},
		"foreign":         {func(r *Result) { r.Stored.Foreign = 1 }, 1, ""},
		"twice":           {func(r *Result) { r.Stored.Twice = 1 }, 1, ""},
		"another session": {func(r *Result) { r.Tables[0].Differing = 1 }, 1, ""},
		"counts":          {func(r *Result) { r.Faults = []string{"intake"} }, 1, ""},
	} {
		r := enough(120)
		c.change(&r)
		if r.settle(); r.Exit != c.exit || c.exit == 4 != (r.Lacks != "") && c.exit != 1 || !strings.Contains(r.Lacks, c.says) {
			t.Errorf("%s: exit %d, want %d: %s", name, r.Exit, c.exit, r.Lacks)
		}
		if exact := r.Difference == 0; exact != (c.exit != 1) {
			t.Errorf("%s: difference %d", name, r.Difference)
		}
	}
	r := enough(60)
	r.settle()
	if got, want := r.String(), "soak: acked 200000, stored 200000, cells 9, kills 20, rebalances 5, difference 0"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Ensure that what the fold counted is held against what is stored.
func TestIntake(t *testing.T) {
	s := Stored{Stored: 100, StoredOpen: 5}
	for _, c := range []struct {
		intake Intake
		want   int
	}{
		{Intake{Records: 110, Unique: 105, Duplicate: 5}, 0},
		{Intake{Records: 110, Unique: 106, Duplicate: 4}, 1},
		{Intake{Records: 110, Unique: 105, Duplicate: 4, IDReused: 1}, 1},
		{Intake{Records: 111, Unique: 105, Duplicate: 5}, 1},
	} {
		if got := c.intake.faults(s); len(got) != c.want {
			t.Errorf("%+v: %q, want %d", c.intake, got, c.want)
		}
	}
}
