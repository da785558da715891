package parts

import (
	"fmt"

	"github.com/tributary-data/tributary/pkg/checkpoint"
	"github.com/tributary-data/tributary/schemas"
)

// Names of the stages. They stand in tables, metrics, groups and folders.
const (
	StageVisitor  = "visitor"
	StageEvents   = "events"
	StageSessions = "sessions"
	StageLetters  = "dead-letters"
)

// Stage is a stage's work on one topic.
type Stage struct {
	// Name of the stage, Service that runs it, and Topic that it folds.
	Name, Service, Topic string
	// Generation of events and epoch of what is derived from it.
	Generation uint8
	Epoch      uint16
	// Partitions of the topic; 0: not known.
	Partitions int
}

// Stages in the order in which data flows through them.
func Stages(generation uint8, epoch uint16) []Stage {
	stage := func(name, service, topic string) Stage {
		return Stage{Name: name, Service: service, Topic: topic, Generation: generation, Epoch: epoch}
	}
	return []Stage{
		stage(StageVisitor, "sessionizer", schemas.TopicEvents(generation)),
		stage(StageEvents, "aggregator", schemas.TopicEvents(generation)),
		stage(StageSessions, "aggregator", schemas.TopicSessions(generation, epoch)),
		stage(StageLetters, "aggregator", schemas.TopicDeadLetters),
	}
}

// Group is the stage's consumer group.
func (s Stage) Group() string {
	if s.Epoch > 0 {
		return fmt.Sprintf("tributary-%s.e%d", s.Name, s.Epoch)
	}
	return "tributary-" + s.Name
}

// Folder of the stage's stores inside a service's state folder.
func (s Stage) Folder() string { return fmt.Sprintf("%s/g%d.e%d", s.Name, s.Generation, s.Epoch) }

// Checkpoints of a partition: what of them the bucket's names depend on. Topic id and partition count are not asked for.
func (s Stage) Checkpoints(p int32) checkpoint.Source {
	return checkpoint.Source{Stage: s.Name, Topic: s.Topic, TopicID: "00", Generation: s.Generation, Epoch: s.Epoch, Partition: p, Partitions: int(p) + 1}
}
