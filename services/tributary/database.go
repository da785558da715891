package main

import "github.com/tributary-data/tributary/pkg/clickhouse"

// database is how commands connect to ClickHouse.
type database struct {
	ClickHouse string `name:"clickhouse" help:"Address of ClickHouse's HTTP interface." env:"TRIBUTARY_CLICKHOUSE_ADDR" default:"127.0.0.1:8123"`
	User       string `help:"Account." env:"TRIBUTARY_CLICKHOUSE_USER" default:"default"`
	Password   string `help:"Password of the account." env:"TRIBUTARY_CLICKHOUSE_PASSWORD"`
}

func (d database) open() (*clickhouse.DB, error) {
	return clickhouse.Open(clickhouse.Config{Addr: d.ClickHouse, User: d.User, Password: d.Password})
}
