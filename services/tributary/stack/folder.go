package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// makeParts makes the folders of a stack. made are those that were not there before, outermost first.
func makeParts(dir string) (made []string, err error) {
	for _, part := range parts {
		at := filepath.Join(dir, part)
		if out := outermost(at); out != "" {
			made = append(made, out)
		}
		if err := os.MkdirAll(at, 0o755); err != nil {
			return nil, fmt.Errorf("cannot make the folder %s: choose another with --dir: %w", dir, reason(err))
		}
	}
	return made, nil
}

// outermost folder on the way to a path that is not there yet; empty if the path is.
func outermost(path string) (out string) {
	for {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return out
		}
		out, path = path, filepath.Dir(path)
	}
}

// unmake removes the folders that a failed start made, so that the next one begins anew. They stay if the error sends its reader
// to a log in them.
func unmake(made []string, logs string, why error) {
	if strings.Contains(why.Error(), logs) {
		return
	}
	for _, dir := range made {
		_ = os.RemoveAll(dir) // the start's own error is what counts
	}
}

// reason is an error of the file system without the name of its call and its path.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
