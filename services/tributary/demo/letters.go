package demo

import (
	"context"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// lettersRead tells whether all dead letters are in their table. They carry no watermark, so bi.completeness says nothing
// of them: the offsets do.
func (r *runner) lettersRead(ctx context.Context) (bool, error) {
	client, err := kafka.NewClient(kafka.Config{Brokers: r.stack.Kafka})
	if err != nil {
		return false, err
	}
	defer client.Close()
	return stack.CaughtUp(ctx, client, r.stack.Admin["aggregator"], schemas.TopicDeadLetters, schemas.TopicDeadLetters, schemas.PartitionsLaptop)
}
