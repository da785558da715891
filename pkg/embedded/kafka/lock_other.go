//go:build !unix

package kafka

import "os"

// flock does nothing where the engine beside the broker does not run either.
func flock(*os.File) error { return nil }
