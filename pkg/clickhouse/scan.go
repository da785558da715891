package clickhouse

import (
	"reflect"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// newOf is a pointer to a new value of the column's Go type.
func newOf(t driver.ColumnType) any { return reflect.New(t.ScanType()).Interface() }

// deref is the value behind what newOf made: nil where a Nullable column has none.
func deref(p any) any {
	v := reflect.ValueOf(p).Elem()
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	return v.Interface()
}
