package main

import (
	"fmt"

	"github.com/caarlos0/env/v11"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/services/internal/boot"
)

// kafkaClient is a client of the cluster, with TLS and login from the environment: the services' settings, which no flag repeats.
func kafkaClient(brokers string) (*kafka.Client, error) {
	security, err := env.ParseAsWithOptions[kafka.Security](env.Options{Prefix: boot.Prefix + "KAFKA_"})
	if err != nil {
		return nil, fmt.Errorf("settings of Kafka: %w", err)
	}
	return kafka.NewClient(kafka.Config{Brokers: brokers, Security: security})
}
