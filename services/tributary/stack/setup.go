// Package stack runs the whole pipeline on one machine: broker, engine and services as child processes.
package stack

import (
	"context"
	"fmt"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/schemas"
)

// Topics that the pipeline needs, of the first generation and epoch.
func Topics(partitions int) []kafka.Topic {
	return []kafka.Topic{
		{Name: schemas.TopicEvents(0), Partitions: partitions, AppendTime: true},
		{Name: schemas.TopicSessions(0, 0), Partitions: partitions},
		{Name: schemas.TopicVisits(0, 0), Partitions: partitions},
		{Name: schemas.TopicJourneys(0, 0), Partitions: partitions},
		{Name: schemas.TopicDeadLetters, Partitions: partitions},
	}
}

// Migrate applies the migrations that are missing, and notes the first generation and epoch.
func Migrate(ctx context.Context, db *clickhouse.DB, partitions int) (applied []string, err error) {
	applied, err = db.Migrate(ctx, schemas.ClickHouse, "clickhouse")
	if err != nil {
		return applied, err
	}
	for _, s := range []string{
		fmt.Sprintf("INSERT INTO tributary.generations (generation, partitions, closed_at) SELECT 0, %d, 0 WHERE (SELECT count() FROM tributary.generations) = 0", partitions),
		"INSERT INTO tributary.epochs (epoch, live_from_day) SELECT 0, toDate(0) WHERE (SELECT count() FROM tributary.epochs) = 0",
	} {
		if err := db.Exec(ctx, s); err != nil {
			return applied, fmt.Errorf("note the first generation and epoch: %w", err)
		}
	}
	return applied, nil
}
