// Command tributary runs, inspects and repairs everything that the services do.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	var code exitCode
	switch {
	case err == nil:
	case errors.As(err, &code):
		os.Exit(int(code))
	case errors.Is(err, context.Canceled), ctx.Err() != nil:
		os.Exit(130)
	case wrongCall(err):
		fmt.Fprintln(os.Stderr, "tributary:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "tributary:", err)
		os.Exit(1)
	}
}
