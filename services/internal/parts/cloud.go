//go:build !nocloud

package parts

// Checkpoints may lie in s3:// and gs://. Their clients are more than half of a program: build with -tags nocloud to leave them out.
import _ "github.com/tributary-data/tributary/pkg/checkpoint/cloud"
