package bench

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// String is the table.
func (r Result) String() string {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(table.Row{"", "CPU µs/event", "min..max", "events/s", "limit", "CPU µs/event", "events/s", "ratio"})
	for _, row := range r.Rows {
		limit := table.Row{"", "", "", ""}
		if row.Limit != "" {
			limit = table.Row{row.Limit, fmt.Sprintf("%.2f", row.OfLimit.CPU), fmt.Sprintf("%.0f", row.OfLimit.PerSecond), fmt.Sprintf("%.1f", row.Of.CPU/max(row.OfLimit.CPU, 1e-9))}
		}
		t.AppendRow(append(table.Row{row.Part, fmt.Sprintf("%.2f", row.Of.CPU), fmt.Sprintf("%.2f..%.2f", row.Min, row.Max), fmt.Sprintf("%.0f", row.Of.PerSecond)}, limit...))
	}
	var columns []table.ColumnConfig
	for _, n := range []int{2, 3, 4, 6, 7, 8} {
		columns = append(columns, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(columns)
	var each []string
	for _, name := range slices.Sorted(maps.Keys(r.Processes)) {
		each = append(each, fmt.Sprintf("%s %.1f", name, r.Processes[name]))
	}
	return fmt.Sprintf("%s\nMedians of %d rounds of %d events in batches of %d, %d partitions. On the whole path, by process: %s.",
		t.Render(), r.Rounds, r.Events, perBatch, r.Partitions, strings.Join(each, ", "))
}
