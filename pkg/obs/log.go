// Package obs is what every service shows of itself: logs, metrics, health and the admin server.
package obs

import (
	"fmt"
	"os"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"
)

// LogConfig of a service's log. Payloads and ids of people are never logged.
type LogConfig struct {
	// Level: debug, info, warn or error.
	Level string `env:"LEVEL" envDefault:"info" help:"debug, info, warn or error"`
	// Format: json, text, or auto (text on a terminal).
	Format string `env:"FORMAT" envDefault:"auto" help:"json, text, or auto: text on a terminal"`
}

// NewLogger writes to standard error.
func NewLogger(c LogConfig, service string) (*zap.Logger, error) {
	level, err := zapcore.ParseLevel(c.Level)
	if err != nil {
		return nil, fmt.Errorf("TRIBUTARY_LOG_LEVEL=%s: expected debug, info, warn or error", c.Level)
	}
	var z zap.Config
	switch {
	case c.Format == "json" || c.Format == "auto" && !term.IsTerminal(int(os.Stderr.Fd())):
		z = zap.NewProductionConfig()
	case c.Format == "text" || c.Format == "auto":
		z = zap.NewDevelopmentConfig()
	default:
		return nil, fmt.Errorf("TRIBUTARY_LOG_FORMAT=%s: expected json, text or auto", c.Format)
	}
	z.DisableStacktrace = true // an error says what to do, not where it was noticed
	z.Level = zap.NewAtomicLevelAt(level)
	z.EncoderConfig.EncodeTime = zapcore.ISO8601TimeEncoder
	l, err := z.Build()
	if err != nil {
		return nil, fmt.Errorf("build logger: %w", err)
	}
	return l.With(zap.String("service", service)), nil
}
