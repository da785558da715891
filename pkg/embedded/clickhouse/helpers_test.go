package clickhouse_test

import (
	"errors"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

func asException(err error, ex **ch.Exception) bool { return errors.As(err, ex) }
