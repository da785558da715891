package kafka

import (
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
)

// maxErrors bounds what a broker with a full disk collects.
const maxErrors = 10

// errorLog keeps what kfake only logs, for example a failed save at the end, so that Run can return it.
type errorLog struct {
	mu   sync.Mutex
	errs []error
}

// Logf keeps errors and drops the rest.
func (l *errorLog) Logf(level kfake.LogLevel, format string, args ...any) {
	if level != kfake.LogLevelError {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.errs) < maxErrors {
		l.errs = append(l.errs, fmt.Errorf(format, args...))
	}
}

func (l *errorLog) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.errs) == 0 {
		return nil
	}
	return fmt.Errorf("the broker reported: %w", errors.Join(l.errs...))
}
