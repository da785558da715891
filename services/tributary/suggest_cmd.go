package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/tributary-data/tributary/pkg/clickhouse"
)

type suggestValuesCmd struct {
	Store     string  `help:"Store to look at." required:""`
	Dimension string  `help:"campaign, landing_path, country, os, channel, device, consent, brand_search or variant:<experiment>." required:""`
	Days      int     `help:"Days of sessions to look at, back from what was processed." default:"30"`
	Cover     float64 `help:"Share of the sessions that the list should cover." default:"0.95"`
	Most      int     `help:"Longest list: each value costs cells for every window." default:"20"`
	JSON      bool    `name:"json" help:"Print the counts of all values as JSON."`
	database
}

// valueCount is how many sessions of people had a value, and how many orders were in them.
type valueCount struct {
	Value    string  `json:"value"`
	Sessions int64   `json:"sessions"`
	Orders   int64   `json:"orders"`
	Share    float64 `json:"share"`
	Chosen   bool    `json:"chosen"`
}

// columns of bi.sessions that are dimensions of a breakdown.
var columns = []string{"campaign", "landing_path", "country", "os", "channel", "device", "consent", "brand_search"}

// Validate says what is wrong with the flags.
func (c *suggestValuesCmd) Validate() error {
	if _, ok := strings.CutPrefix(c.Dimension, "variant:"); !ok && !slices.Contains(columns, c.Dimension) {
		return fmt.Errorf("--dimension=%s: use one of %s or variant:<experiment>", c.Dimension, strings.Join(columns, ", "))
	}
	if c.Days < 1 || c.Most < 1 || c.Cover <= 0 || c.Cover > 1 {
		return fmt.Errorf("--days and --most are at least 1, --cover is above 0 and at most 1")
	}
	return nil
}

// Run prints an allow list to put into the store file.
func (c *suggestValuesCmd) Run(ctx context.Context) error {
	db, err := c.open()
	if err != nil {
		return err
	}
	defer db.Close()
	list, err := c.count(ctx, db)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fmt.Errorf("no session of store %s has a %s within %d days", c.Store, c.Dimension, c.Days)
	}
	choose(list, c.Cover, c.Most)
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(list)
	}
	return c.print(os.Stdout, list)
}

// count the sessions of each value that is not absent, most first.
func (c *suggestValuesCmd) count(ctx context.Context, db *clickhouse.DB) (list []valueCount, err error) {
	column := "toString(" + c.Dimension + ")"
	if _, ok := strings.CutPrefix(c.Dimension, "variant:"); ok {
		column = "variants[{experiment:String}]"
	}
	var total int64
	err = db.EachBound(ctx, `SELECT `+column+` AS value, toInt64(count()), toInt64(sum(orders)) FROM tributary.sessions FINAL
		WHERE deleted = 0 AND epoch = (SELECT argMax(epoch, live_from_day) FROM tributary.epochs FINAL) AND store = {store:String} AND value != '' AND bitAnd(flags, 6) = 0
			AND started_at >= (SELECT max(processed_through) FROM bi.completeness WHERE stage = 'sessions') - toIntervalDay({days:UInt16})
		GROUP BY value ORDER BY count() DESC, value LIMIT 10000`,
		clickhouse.Params{"store": c.Store, "days": strconv.Itoa(c.Days), "experiment": strings.TrimPrefix(c.Dimension, "variant:")},
		func(scan func(...any) error) error {
			var v valueCount
			err := scan(&v.Value, &v.Sessions, &v.Orders)
			list, total = append(list, v), total+v.Sessions
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("count the values: %w", err)
	}
	for i := range list {
		list[i].Share = float64(list[i].Sessions) / float64(total)
	}
	return list, nil
}

// choose the most frequent values until they cover enough.
func choose(list []valueCount, cover float64, most int) {
	var sum float64
	for i := range list {
		if i == most || sum >= cover-1e-9 {
			return
		}
		list[i].Chosen = true
		sum += list[i].Share
	}
}

func (c *suggestValuesCmd) print(w io.Writer, list []valueCount) error {
	var sum float64
	var chosen []string
	t := plainTable(c.Dimension, "sessions", "share", "orders")
	for _, v := range list {
		if v.Chosen {
			chosen, sum = append(chosen, v.Value), sum+v.Share
			t.AppendRow([]any{v.Value, v.Sessions, percent(v.Share), v.Orders})
		}
	}
	snippet, err := yaml.MarshalWithOptions(map[string]any{"allow": map[string]any{c.Dimension: chosen}}, yaml.Flow(true))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n\n%d of %d values cover %s of the sessions that have one; the rest is counted as (other). In the funnel, with a new version:\n\n%s",
		t.Render(), len(chosen), len(list), percent(sum), snippet)
	return err
}
