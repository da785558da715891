package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/tributary-data/tributary/pkg/clickhouse"
)

type queryCmd struct {
	SQL    []string `arg:"" name:"sql" help:"SQL, or the name of a view of bi: funnel_daily, funnel_steps, segments_daily, channels_daily, devices_daily, sessions, micro_conversions_daily, landing_pages_daily, campaigns_daily, time_to_step_daily, data_freshness, orders, events, diagnoses and others; SHOW TABLES FROM bi lists them."`
	Format string   `help:"table, csv or json." enum:"table,csv,json" default:"table"`
	database
}

// shown rows of a view that is only named.
const shown = 50

// Run runs the query and prints its result.
func (c *queryCmd) Run(ctx context.Context) error {
	text := strings.TrimSpace(strings.Join(c.SQL, " "))
	if text == "" {
		return fmt.Errorf("the query is empty: use SQL, or the name of a view such as sessions%w", errCall)
	}
	db, err := c.open()
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.Select(ctx, statement(text))
	if err != nil {
		return didYouMean(ctx, db, text, fmt.Errorf("query: %w", err))
	}
	switch c.Format {
	case "csv":
		return writeCSV(os.Stdout, rows)
	case "json":
		return writeJSON(os.Stdout, rows)
	}
	return writeTable(os.Stdout, rows)
}

// didYouMean names the views that there are if the name of none was given.
func didYouMean(ctx context.Context, db *clickhouse.DB, text string, cause error) error {
	if text != oneWord(text) || !clickhouse.Missing(cause) {
		return cause
	}
	rows, err := db.Select(ctx, "SELECT name FROM system.tables WHERE database = 'bi' ORDER BY editDistance(name, '"+oneWord(strings.TrimPrefix(text, "bi."))+"'), name")
	if err != nil || len(rows.Values) == 0 {
		return cause // no views at all: the cause says so
	}
	for _, r := range rows.Values {
		if "bi."+fmt.Sprint(r[0]) == "bi."+strings.TrimPrefix(text, "bi.") {
			return cause
		}
	}
	return fmt.Errorf("there is no view bi.%s: did you mean %s? See tributary query --help for all%w", strings.TrimPrefix(text, "bi."), rows.Values[0][0], errCall)
}

// oneWord is the text up to what is no letter of a name.
func oneWord(text string) string {
	if i := strings.IndexFunc(text, func(r rune) bool {
		return r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}); i >= 0 {
		return text[:i]
	}
	return text
}

// statement makes SQL of a view's name.
func statement(text string) string {
	if strings.ContainsAny(text, " \n(") {
		return text
	}
	return fmt.Sprintf("SELECT * FROM bi.%s LIMIT %d", strings.TrimPrefix(text, "bi."), shown)
}

func writeTable(w io.Writer, rows clickhouse.Rows) error {
	if len(rows.Values) == 0 {
		_, err := fmt.Fprintln(w, "0 rows")
		return err
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	head := make(table.Row, len(rows.Columns))
	for i, c := range rows.Columns {
		head[i] = c
	}
	t.AppendHeader(head)
	for _, r := range rows.Values {
		t.AppendRow(shownRow(r))
	}
	rest := "rows"
	if len(rows.Values) == 1 {
		rest = "row"
	}
	_, err := fmt.Fprintf(w, "%s\n%d %s\n", t.Render(), len(rows.Values), rest)
	return err
}

// shownRow is a row as a table shows it.
func shownRow(values []any) table.Row {
	out := slices.Clone(values)
	for i, v := range out {
		if v == nil {
			out[i] = "NULL"
		}
	}
	return out
}

func writeCSV(w io.Writer, rows clickhouse.Rows) error {
	out := csv.NewWriter(w)
	if err := out.Write(rows.Columns); err != nil {
		return err
	}
	for _, r := range rows.Values {
		line := make([]string, len(r))
		for i, v := range r {
			if v != nil { // NULL is empty, as everywhere in CSV
				line[i] = fmt.Sprint(v)
			}
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// writeJSON writes one object a line.
func writeJSON(w io.Writer, rows clickhouse.Rows) error {
	out := json.NewEncoder(w)
	for _, r := range rows.Values {
		line := map[string]any{}
		for i, v := range r {
			line[rows.Columns[i]] = v
		}
		if err := out.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
