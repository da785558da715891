package facts

import (
	"strings"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/aggregator/table"
)

// firstWins is the version of a row of which the first record of its key counts: the complement of its place.
func (f *Fold) firstWins() uint64 { return event.NewVersion(f.generation, f.last).Complement() }

// configRows of a setting, one per funnel. All partitions write the same rows for one setting, so its date is all that
// versions them.
func (f *Fold) configRows(rec *pb.Record) (rows [][]any) {
	c := rec.GetConfig()
	for _, set := range f.stores[rec.Store].line {
		if set.ID != c.ConfigId {
			continue
		}
		for _, fu := range set.File.Meaning.Funnels {
			steps := make([]string, len(fu.Steps))
			for i, s := range fu.Steps {
				steps[i] = s.Action
			}
			breakdowns := make([]string, len(fu.Breakdowns))
			for i, dims := range fu.Breakdowns {
				breakdowns[i] = strings.Join(dims, ",")
			}
			rows = append(rows, []any{rec.Store, c.ConfigId, table.Time(c.EffectiveFrom), uint64(c.EffectiveFrom),
				set.File.Meaning.TimeZone, set.File.Meaning.Currency, string(c.File), fu.Name, fu.Version, steps, breakdowns})
		}
	}
	return rows
}

func (f *Fold) lateRow(rec *pb.Record, e *pb.Event) []any {
	return []any{rec.Store, e.Visitor, string(e.EventId), f.firstWins(), f.generation, f.partition, f.last, table.Time(rec.IngestTs),
		table.Time(e.EventTs), table.Time(f.clock.Floor(rec.Store)), e.Action}
}

// orderRow of a purchase. Without an order id it is an order of its own, named by its event. There is no lateness.
func (f *Fold) orderRow(rec *pb.Record, e *pb.Event) []any {
	id := e.OrderId
	if id == "" {
		id = "event:" + event.IDOf(e.EventId).String()
	}
	value, known := f.base(rec.Store, e)
	return []any{rec.Store, id, e.Origin, f.generation, f.partition, f.firstWins(), table.Time(rec.IngestTs), f.last,
		table.Time(e.EventTs), e.Visitor, e.User, e.Money.GetMinor(), e.Money.GetCurrency(), value, bit(!known)}
}

// refundRow of a refund; one without an amount takes back the whole order.
func (f *Fold) refundRow(rec *pb.Record, e *pb.Event) []any {
	value, known := f.base(rec.Store, e)
	return []any{rec.Store, e.OrderId, string(e.EventId), f.generation, f.partition, f.firstWins(), table.Time(rec.IngestTs),
		table.Time(e.EventTs), e.Money.GetMinor(), e.Money.GetCurrency(), value, bit(e.Money == nil), bit(!known)}
}

// base is an event's money in the store's base currency, at the rate of its day.
func (f *Fold) base(store string, e *pb.Event) (int64, bool) {
	s := f.stores[store]
	if s == nil {
		return 0, e.Money.GetMinor() == 0
	}
	set := s.line.At(e.EventTs)
	rate, rated := set.Rate(e.Money.GetCurrency(), e.EventTs)
	return event.ToBase(e.Money.GetMinor(), e.Money.GetCurrency(), set.File.Meaning.Currency, rate, rated)
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
