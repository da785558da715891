// Package boot is what the main function of every service does: environment, flags, signals, log, exit code.
package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/cespare/xxhash/v2"
	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/obs"
)

// Prefix of every environment variable.
const Prefix = "TRIBUTARY_"

// Service is one of the long-running programs.
type Service[C any] struct {
	// Name and About are shown by --help.
	Name, About string
	// Log finds the log's part of the configuration.
	Log func(c *C) obs.LogConfig
	// Build makes the service; it dials and starts nothing. --check ends here.
	Build func(c C, log *zap.Logger) (Runner, error)
}

// Runner runs until ctx ends.
type Runner interface {
	Run(ctx context.Context) error
}

// Main runs the service and returns the exit code: 0 after a clean end, 1 after a failure, 2 for a wrong call.
func (s Service[C]) Main(args []string, stdin io.Reader, out io.Writer) int {
	check, attached := false, false
	for _, a := range args {
		switch a {
		case "--check":
			check = true
		case "--attached": // ends when standard input does: the one who started it is gone
			attached = true
		case "--help", "-h":
			s.help(out)
			return 0
		case "--settings":
			return s.settings(out)
		default:
			fmt.Fprintf(os.Stderr, "%s: %s is unknown; settings are environment variables, see --help\n", s.Name, a)
			return 2
		}
	}
	var c C
	strange, err := settings(&c, os.Environ())
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v; see --help\n", s.Name, err)
		return 2
	}
	log, err := obs.NewLogger(s.Log(&c), s.Name)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", s.Name, err)
		return 2
	}
	for _, name := range strange {
		log.Warn(name + " is no setting of this program and changes nothing; see --help")
	}
	r, err := s.Build(c, log)
	if err != nil { // nothing was dialled yet: it is the settings
		fmt.Fprintf(os.Stderr, "%s: %v\n", s.Name, err)
		return 2
	}
	if check {
		return 0
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if attached {
		ctx = until(ctx, stdin)
	}
	if err := r.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		log.Error("stopped", zap.Error(err))
		return 1
	}
	return 0
}

// gcPercent is Go's GOGC where the environment sets none. Much of what a service holds is state that stays: at 200 the
// collector looks at it half as often, which saves a seventh of the processor time for half as much memory again.
const gcPercent = 200

// until ends the context when r does.
func until(ctx context.Context, r io.Reader) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, r) // any end is the end
	}()
	return ctx
}

// Announce tells on standard output where something listens, for whoever started the process: with port 0 nobody else
// knows.
func Announce(what string) func(addr string) {
	return func(addr string) { fmt.Printf("%s%s on %s\n", announced, what, addr) }
}

const announced = "tributary: "

// Announced reads a line of Announce.
func Announced(line string) (what, addr string, ok bool) {
	rest, ok := strings.CutPrefix(line, announced)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, " on ")
}

// StateDir is where a service keeps its state: the configured folder, or ~/.local/share/tributary/<service>.
func StateDir(configured, service string) (string, error) {
	if configured != "" {
		return configured, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no home folder for state, set %sSTATE_DIR: %w", Prefix, err)
	}
	return filepath.Join(home, ".local", "share", "tributary", service), nil
}

// Instance is the name of an instance: the configured one, or one that stays the same as long as host and state folder do.
func Instance(configured, dir string) (string, error) {
	if configured != "" {
		return configured, nil
	}
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("no host name to make an instance's name of, set %sINSTANCE: %w", Prefix, err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", fmt.Errorf("name of this instance, set %sINSTANCE: %w", Prefix, err)
	}
	return fmt.Sprintf("%s-%08x", host, uint32(xxhash.Sum64String(dir))), nil
}
