package session

import pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"

// What gives a robot away that does not declare itself. A shopper does none of it.
const (
	robotPerMinute  = 120    // events in any 60 seconds
	robotPerSession = 500    // events in all
	robotRegular    = 20     // at least so many pauses with a standard deviation below robotDeviation
	robotDeviation  = 50     // milliseconds
	robotCarts      = 20     // add-to-carts within robotCartTime without a checkout
	robotCartTime   = 600000 // milliseconds
)

const minute = 60_000

// robot tells whether a session's kept events, in order, look like a machine's. tail is how many more it had.
func robot(events []*pb.StoredEvent, tail uint32) bool {
	if len(events)+int(tail) > robotPerSession {
		return true
	}
	return dense(events, minute, robotPerMinute) || regular(events) || carting(events)
}

// dense tells whether more than limit of the events lie within any span of time.
func dense(events []*pb.StoredEvent, within int64, limit int) bool {
	for i := limit; i < len(events); i++ {
		if events[i].EventTs-events[i-limit].EventTs < within {
			return true
		}
	}
	return false
}

// regular tells whether the pauses between the events hardly vary: n·Σx² − (Σx)² < n²·σ², in integers.
func regular(events []*pb.StoredEvent) bool {
	n := int64(len(events) - 1)
	if n < robotRegular {
		return false
	}
	var sum, squares int64
	for i := 1; i < len(events); i++ {
		x := min(events[i].EventTs-events[i-1].EventTs, 1<<24) // far above any pause that could matter
		sum += x
		squares += x * x
	}
	mean := sum / n // exact enough to shift by: the variance does not change, and nothing overflows
	sum, squares = 0, 0
	for i := 1; i < len(events); i++ {
		x := min(events[i].EventTs-events[i-1].EventTs, 1<<24) - mean
		sum += x
		squares += x * x
	}
	return n*squares-sum*sum < n*n*robotDeviation*robotDeviation
}

// carting tells whether many products go into carts and nobody checks out.
func carting(events []*pb.StoredEvent) bool {
	var carts []*pb.StoredEvent
	for _, e := range events {
		switch e.Action {
		case "cart_added":
			carts = append(carts, e)
		case "checkout_started":
			return false
		}
	}
	return dense(carts, robotCartTime, robotCarts)
}
