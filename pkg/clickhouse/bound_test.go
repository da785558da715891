package clickhouse_test

import (
	"context"
	"testing"

	"github.com/tributary-data/tributary/pkg/clickhouse"
)

// Ensure that a bound value arrives as it is, whatever is in it, and that a missing one is an error.
func TestEachBound(t *testing.T) {
	db := open(t)
	for _, want := range []string{"me", "", `' OR 1 = 1 --`, `a\b\n`, "tab\tline\nend\r", "ü{x:String}", `\N`} {
		var got string
		err := db.EachBound(context.Background(), "SELECT {v:String}", clickhouse.Params{"v": want}, func(scan func(...any) error) error { return scan(&got) })
		if err != nil || got != want {
			t.Errorf("%q came back as %q, %v", want, got, err)
		}
	}
	none := func(func(...any) error) error { t.Error("a row came"); return nil }
	if err := db.EachBound(context.Background(), "SELECT {v:String}", nil, none); err == nil {
		t.Error("a placeholder without a value was no error")
	}
}
