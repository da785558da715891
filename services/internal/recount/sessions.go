package recount

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/funnel"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
)

// Database is what is read from.
type Database interface {
	EachBound(ctx context.Context, query string, params clickhouse.Params, row func(scan func(dest ...any) error) error) error
}

// live is the epoch that views show.
const live = "(SELECT argMax(epoch, live_from_day) FROM tributary.epochs FINAL)"

// Sessions calls each for every session of a store that began from a time on, until before another: the live epoch's current values. A trail's
// events have ids by their place, since rows keep none: the matcher needs them to be distinct and no more.
func Sessions(ctx context.Context, db Database, store string, from, to time.Time, each func(*pb.Session)) error {
	err := db.EachBound(ctx, `SELECT started_at, toString(channel), toString(device), toString(os), toString(country), toString(brand_search), toString(consent), campaign, landing_path,
			returning, variants, flags, trail_action, trail_ts, trail_value_minor, trail_product, trail_order_id
		FROM tributary.sessions FINAL WHERE deleted = 0 AND epoch = `+live+` AND store = {store:String}
			AND started_at >= fromUnixTimestamp64Milli(toInt64({from:Int64})) AND started_at < fromUnixTimestamp64Milli(toInt64({to:Int64}))`,
		clickhouse.Params{"store": store, "from": fmt.Sprint(from.UnixMilli()), "to": fmt.Sprint(to.UnixMilli())}, func(scan func(...any) error) error {
			s, err := session(scan)
			if err == nil {
				each(s)
			}
			return err
		})
	if err != nil {
		return fmt.Errorf("read the sessions of store %s: %w", store, err)
	}
	return nil
}

func session(scan func(...any) error) (*pb.Session, error) {
	var started time.Time
	var returning uint8
	var actions, products, orders []string
	var times []time.Time
	var values []int64
	e := &pb.Entry{}
	s := &pb.Session{Entry: e}
	if err := scan(&started, &e.Channel, &e.Device, &e.Os, &e.Country, &e.BrandSearch, &e.Consent, &e.Campaign, &e.LandingPath, &returning, &e.Variants, &s.Flags,
		&actions, &times, &values, &products, &orders); err != nil {
		return nil, err
	}
	s.StartedAt, e.Returning = started.UnixMilli(), returning == 1
	for i, a := range actions {
		id := binary.BigEndian.AppendUint64(make([]byte, 8), uint64(i))
		s.Trail = append(s.Trail, &pb.Step{Action: a, Ts: times[i].UnixMilli(), EventId: id, ValueMinor: values[i], Product: products[i], OrderId: orders[i]})
	}
	return s, nil
}

// Cells by key.
type Cells map[funnel.Key]*funnel.Cell

// Add counts a session in a funnel, by entry and in windows of 15 minutes.
func (c Cells) Add(store string, d *funnel.Definition, s *pb.Session) {
	u, ok := d.Unit(s)
	if !ok {
		return
	}
	d.Each(store, &u, func(k funnel.Key, part funnel.Share) {
		if k.Basis != funnel.BasisEntry || k.Window != funnel.WindowQuarter {
			return
		}
		at := c[k]
		if at == nil {
			at = &funnel.Cell{}
			c[k] = at
		}
		at.Add(part, len(d.Steps), 1)
	})
}

// Timelines of all stores, as their settings lie in the tables.
func Timelines(ctx context.Context, db Database) (map[string]*stores.Timeline, error) {
	out := map[string]*stores.Timeline{}
	err := db.EachBound(ctx, `SELECT toString(store), config_id, toUnixTimestamp64Milli(any(effective_from)) AS from_ms, any(file) FROM tributary.store_configs FINAL
		WHERE file != '' GROUP BY store, config_id ORDER BY store, from_ms, config_id`, nil, func(scan func(...any) error) error {
		var store, id, file string
		var from int64
		if err := scan(&store, &id, &from, &file); err != nil {
			return err
		}
		if out[store] == nil {
			out[store] = &stores.Timeline{}
		}
		_, err := out[store].Add(id, from, []byte(file))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the stores' settings: %w", err)
	}
	return out, nil
}
