package state

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"go.uber.org/zap"
)

// ending ends the process where a store cannot be written any more: Pebble would panic with its locks held, or try to write a table
// again and again while commits wait. It is Pebble's logger too, and drops its lines: what matters comes back as errors.
type ending struct {
	log  *zap.Logger
	dir  string
	open atomic.Bool // before, errors come back
}

func (*ending) Infof(string, ...any)  {}
func (*ending) Errorf(string, ...any) {}

// Fatalf ends the process, as Pebble demands: it could not write its log, and nothing may go on as if it had.
func (e *ending) Fatalf(f string, a ...any) { e.end(e.unwritable(fmt.Errorf(f, a...))) }

// full hears that the disk is, before Pebble does.
func (e *ending) full() {
	if e.open.Load() {
		e.end(noSpace(e.dir))
	}
}

// background hears of tables that could not be written. Pebble tries that again at once, for ever.
func (e *ending) background(err error) {
	var refused syscall.Errno
	if errors.As(err, &refused) {
		e.end(e.unwritable(err))
	}
}

func (e *ending) unwritable(why error) error {
	return fmt.Errorf("state in %s cannot be written: check its disk, or set TRIBUTARY_STATE_DIR to another folder: %w", e.dir, why)
}

func noSpace(dir string) error {
	return fmt.Errorf("no space left for state in %s: free some, or set TRIBUTARY_STATE_DIR to a folder with more", dir)
}

// once lets one store say why the process ends: a disk that is full is so for all.
var once sync.Once

func (e *ending) end(why error) {
	once.Do(func() {
		if e.log == nil {
			fmt.Fprintln(os.Stderr, why)
		} else {
			e.log.Error("stopped", zap.Error(why))
		}
		os.Exit(1)
	})
}
