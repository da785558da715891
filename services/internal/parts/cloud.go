//go:build cloud

package parts

// Checkpoints may lie in s3:// and gs:// too. Their clients are two thirds of a program and 40 MB of memory before it does anything, so that
// only builds with -tags cloud have them, as the container image is.
import _ "github.com/tributary-data/tributary/pkg/checkpoint/cloud"
