package sim

import (
	"embed"
	"fmt"
	"strings"
	"time"
)

//go:embed stores/*.yaml
var storeFiles embed.FS

// StoreFile is a store's settings from a moment on.
type StoreFile struct {
	// Name and WriteKey of the store.
	Name, WriteKey string
	// File is the store file, YAML.
	File []byte
	// From is when it comes into force, a midnight of the store within the day; zero = at once. A store's first file is
	// always one of these.
	From time.Time
}

// Stores are the store files that the day's traffic is planned for, in the order in which they are to be applied. Those
// with a From must be known to the pipeline before it.
func Stores(c Config) ([]StoreFile, error) {
	c = c.withDefaults()
	shops, err := c.shops()
	if err != nil {
		return nil, err
	}
	var out []StoreFile
	for _, s := range shops {
		names := []string{s.name + ".yaml", s.name + "-after.yaml"}
		for i, set := range s.settings {
			text, err := storeFiles.ReadFile("stores/" + names[i])
			if err != nil {
				return nil, fmt.Errorf("simulator: %w", err)
			}
			d := datesOf(c.Day, s.zone)
			file := strings.NewReplacer("{before}", d.before, "{day}", d.day, "{next}", d.next).Replace(string(text))
			f := StoreFile{Name: s.name, WriteKey: s.key, File: []byte(file)}
			if set.from != 0 {
				f.From = time.UnixMilli(set.from).UTC()
			}
			out = append(out, f)
		}
	}
	return out, nil
}

// dates of a store's calendar around the simulated day: long before it, the day that it begins in, and the one after.
type dates struct{ before, day, next string }

func datesOf(day time.Time, zone *time.Location) dates {
	t := day.In(zone)
	return dates{before: t.AddDate(0, 0, -40).Format(time.DateOnly), day: t.Format(time.DateOnly), next: t.AddDate(0, 0, 1).Format(time.DateOnly)}
}

// midnight is the beginning of a day such as 2026-01-31; the text is our own and always reads.
func midnight(day string, zone *time.Location) time.Time {
	t, _ := time.ParseInLocation(time.DateOnly, day, zone)
	return t
}
