package main

import (
	"strings"
	"testing"
)

// Ensure that the CLI's client takes TLS and login from the environment, as services do.
func TestKafkaClientSettings(t *testing.T) {
	t.Setenv("TRIBUTARY_KAFKA_TLS", "true")
	t.Setenv("TRIBUTARY_KAFKA_TLS_CA", t.TempDir()+"/ca.pem")
	if _, err := kafkaClient("127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "TRIBUTARY_KAFKA_TLS_CA") {
		t.Errorf("a missing CA: %v", err)
	}
	t.Setenv("TRIBUTARY_KAFKA_TLS", "perhaps")
	if _, err := kafkaClient("127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "settings of Kafka") {
		t.Errorf("TLS that is neither on nor off: %v", err)
	}
}
