package schemas

import "fmt"

// Topics of one generation of events and one epoch of what is derived from it. Derived topics have one partition for
// each partition of events.

// TopicEvents holds events and control records.
func TopicEvents(generation uint8) string { return fmt.Sprintf("events.g%d", generation) }

// TopicSessions holds sessions, tombstones and watermarks.
func TopicSessions(generation uint8, epoch uint16) string {
	return fmt.Sprintf("sessions.g%d.e%d", generation, epoch)
}

// TopicVisits holds the contributions of sessions to persons.
func TopicVisits(generation uint8, epoch uint16) string {
	return fmt.Sprintf("visits.g%d.e%d", generation, epoch)
}

// TopicJourneys holds journeys, carts and attempts.
func TopicJourneys(generation uint8, epoch uint16) string {
	return fmt.Sprintf("journeys.g%d.e%d", generation, epoch)
}

// TopicDeadLetters holds what could not be taken.
const TopicDeadLetters = "dead-letters"

// Partition counts: one for all topics.
const (
	PartitionsLaptop     = 12
	PartitionsProduction = 64
)
