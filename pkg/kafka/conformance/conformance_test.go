package conformance_test

import (
	"os"
	"testing"

	"github.com/tributary-data/tributary/pkg/kafka/conformance"
	"github.com/tributary-data/tributary/pkg/kafka/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }

func TestApacheKafka(t *testing.T) {
	conformance.Run(t, conformance.Broker{Brokers: kafkatest.Shared(t).Brokers()})
}

func TestApacheKafkaOfThree(t *testing.T) {
	if testing.Short() {
		t.Skip("three brokers take 600 MB and half a minute")
	}
	c := kafkatest.Start(t, kafkatest.Options{Nodes: 3})
	conformance.Run(t, conformance.Broker{Brokers: c.Brokers(), Replication: 3})
}
