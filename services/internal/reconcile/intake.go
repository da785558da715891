package reconcile

import (
	"context"
	"fmt"
	"time"
)

// recordsAndEvents are both sides of check intake, by hour of arrival and partition.
const recordsAndEvents = `SELECT toString(store), hour, toInt64(generation), toInt64(partition), sum(records), sum(unique_events), sum(duplicate), sum(late), sum(id_reused), sum(there), sum(there_late) FROM (
		SELECT store, ingest_hour AS hour, generation, partition, records, unique_events, duplicate, late, id_reused, toInt64(0) AS there, toInt64(0) AS there_late FROM tributary.intake FINAL
		WHERE ({store:String} = '' OR store = {store:String}) AND ingest_hour >= fromUnixTimestamp64Milli({from:Int64}) AND ingest_hour < fromUnixTimestamp64Milli({to:Int64})
		UNION ALL
		SELECT store, toStartOfHour(ingest_ts, 'UTC') AS hour, generation, partition, 0, 0, 0, 0, 0, toInt64(count()), toInt64(sum(late)) FROM tributary.events FINAL
		WHERE ({store:String} = '' OR store = {store:String}) AND ingest_ts >= fromUnixTimestamp64Milli({from:Int64}) AND ingest_ts < fromUnixTimestamp64Milli({to:Int64})
		GROUP BY store, hour, generation, partition)
	GROUP BY store, hour, generation, partition ORDER BY store, hour, generation, partition`

// intake is check (a).
func (j Job) intake(ctx context.Context, r *Result) error {
	return j.DB.EachBound(ctx, recordsAndEvents, j.params(r), func(scan func(...any) error) error {
		f := Finding{Check: CheckIntake}
		var hour time.Time
		var generation, partition, records, unique, duplicate, late, reused, there, thereLate int64
		if err := scan(&f.Store, &hour, &generation, &partition, &records, &unique, &duplicate, &late, &reused, &there, &thereLate); err != nil {
			return err
		}
		r.Compared++
		f.Window = hour
		place := fmt.Sprintf("partition %d of generation %d", partition, generation)
		switch {
		case records != there+duplicate+reused:
			f.Key, f.Stored, f.Recounted = place+", records", fmt.Sprint(records), fmt.Sprintf("%d = %d events + %d repeats + %d reused ids", there+duplicate+reused, there, duplicate, reused)
		case unique != there:
			f.Key, f.Stored, f.Recounted = place+", unique_events", fmt.Sprint(unique), fmt.Sprint(there)
		case late != thereLate:
			f.Key, f.Stored, f.Recounted = place+", late", fmt.Sprint(late), fmt.Sprint(thereLate)
		default:
			return nil
		}
		r.differ(f)
		return nil
	})
}
