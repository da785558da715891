package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/tributary-data/tributary/pkg/clickhouse"
)

type queryCmd struct {
	SQL        []string `arg:"" name:"sql" help:"SQL, or the name of a view of bi: completeness, dead_letters, events, funnel_daily, funnel_hourly, funnel_minutes, funnel_steps, intake, late_events, orders, sessions."`
	Format     string   `help:"table, csv or json." enum:"table,csv,json" default:"table"`
	ClickHouse string   `name:"clickhouse" help:"Address of ClickHouse's HTTP interface." env:"TRIBUTARY_CLICKHOUSE_ADDR" default:"127.0.0.1:8123"`
	User       string   `help:"Account." env:"TRIBUTARY_CLICKHOUSE_USER" default:"default"`
	Password   string   `help:"Password of the account." env:"TRIBUTARY_CLICKHOUSE_PASSWORD"`
}

// shown rows of a view that is only named.
const shown = 50

// Run runs the query and prints its result.
func (c *queryCmd) Run(ctx context.Context) error {
	db, err := clickhouse.Open(clickhouse.Config{Addr: c.ClickHouse, User: c.User, Password: c.Password})
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.Select(ctx, statement(strings.Join(c.SQL, " ")))
	if err != nil {
		return fmt.Errorf("query %s: %w", c.ClickHouse, err)
	}
	switch c.Format {
	case "csv":
		return writeCSV(os.Stdout, rows)
	case "json":
		return writeJSON(os.Stdout, rows)
	}
	return writeTable(os.Stdout, rows)
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
		t.AppendRow(table.Row(r))
	}
	rest := "rows"
	if len(rows.Values) == 1 {
		rest = "row"
	}
	_, err := fmt.Fprintf(w, "%s\n%d %s\n", t.Render(), len(rows.Values), rest)
	return err
}

func writeCSV(w io.Writer, rows clickhouse.Rows) error {
	out := csv.NewWriter(w)
	if err := out.Write(rows.Columns); err != nil {
		return err
	}
	for _, r := range rows.Values {
		line := make([]string, len(r))
		for i, v := range r {
			line[i] = fmt.Sprint(v)
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
