package kafka

import "context"

// Ownership says which partitions this instance folds. Run calls own once per change of the set, with a context
// that ends when the set does, and waits for it to return.
type Ownership interface {
	Run(ctx context.Context, own func(ctx context.Context, partitions []int32) error) error
}

// All owns every partition: one instance, as in demo and dev. The file lock of each partition's store keeps a
// second instance out.
type All struct {
	// Partitions of the topic.
	Partitions int
}

// Run calls own with all partitions.
func (a All) Run(ctx context.Context, own func(ctx context.Context, partitions []int32) error) error {
	parts := make([]int32, a.Partitions)
	for i := range parts {
		parts[i] = int32(i)
	}
	return own(ctx, parts)
}
