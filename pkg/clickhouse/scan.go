package clickhouse

import (
	"reflect"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// newOf is a pointer to a new value of the column's Go type.
func newOf(t driver.ColumnType) any { return reflect.New(t.ScanType()).Interface() }

func deref(p any) any { return reflect.ValueOf(p).Elem().Interface() }
