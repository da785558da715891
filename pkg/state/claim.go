package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Folder makes the folder of a service's stores.
func Folder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return refused(dir, err)
	}
	return nil
}

// Claim notes in a folder of stores, one per partition, how many partitions their topic has, and refuses a folder that was made
// for another count: keys lie in other partitions then, and each store would miss a part of its keys' past.
func Claim(dir string, partitions int) error {
	if err := Folder(dir); err != nil {
		return err
	}
	note := filepath.Join(dir, "partitions")
	b, err := os.ReadFile(note)
	if errors.Is(err, fs.ErrNotExist) {
		fresh := note + ".new" // renamed, so that nobody reads half of it
		if err := os.WriteFile(fresh, []byte(strconv.Itoa(partitions)), 0o644); err != nil {
			return refused(dir, err)
		}
		if err := os.Rename(fresh, note); err != nil {
			return refused(dir, err)
		}
		return nil
	}
	if err != nil {
		return refused(dir, err)
	}
	if had := strings.TrimSpace(string(b)); had != strconv.Itoa(partitions) {
		return fmt.Errorf("the state in %s is of a topic with %s partitions, this one has %d: set TRIBUTARY_STATE_DIR to an empty folder; more partitions need a new generation", dir, had, partitions)
	}
	return nil
}
