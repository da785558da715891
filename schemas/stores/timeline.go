package stores

import (
	"cmp"
	"slices"
	"time"
)

// Setting is a store file from a moment on.
type Setting struct {
	// ID of the config record that brought it.
	ID string
	// From is when it comes into force, Unix milliseconds; 0 = at once.
	From int64
	// Seq is its place in the order of arrival, from 0.
	Seq  int
	File File
	// Zone of the file.
	Zone *time.Location
}

// Timeline is what a fold knows of one store: its settings in the order in which they come into force. Of several for
// one moment the last to arrive counts.
type Timeline []Setting

// Add reads a config's file and puts it into its place. It reports false for an id that is there already.
func (t *Timeline) Add(id string, from int64, file []byte) (bool, error) {
	if slices.ContainsFunc(*t, func(s Setting) bool { return s.ID == id }) {
		return false, nil
	}
	f, err := Parse(file)
	if err != nil {
		return false, err
	}
	zone, err := time.LoadLocation(f.Meaning.TimeZone)
	if err != nil {
		return false, err
	}
	*t = append(*t, Setting{ID: id, From: from, Seq: len(*t), File: f, Zone: zone})
	slices.SortFunc(*t, func(a, b Setting) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Seq, b.Seq)) })
	return true, nil
}

// At is the setting in force at a time; the first one where none is yet.
func (t Timeline) At(ts int64) *Setting {
	at := 0
	for i := 1; i < len(t) && t[i].From <= ts; i++ {
		at = i
	}
	return &t[at]
}

// Rate of a currency into the base currency at a time: the last that came into force by then, in the store's zone.
func (s *Setting) Rate(currency string, ts int64) (rate string, ok bool) {
	if currency == s.File.Meaning.Currency {
		return "1", true
	}
	today := time.UnixMilli(ts).In(s.Zone).Format(time.DateOnly)
	for _, r := range s.File.Meaning.Rates[currency] {
		if r.From <= today {
			rate, ok = r.Rate, true
		}
	}
	return rate, ok
}

// NextMidnight is the store's first midnight at least notice after now, Unix milliseconds.
func (s *Setting) NextMidnight(now int64, notice time.Duration) int64 {
	t := time.UnixMilli(now).In(s.Zone).Add(notice)
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, s.Zone)
	if midnight.Before(t) {
		midnight = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, s.Zone)
	}
	return midnight.UnixMilli()
}
