package funnel

import (
	"slices"

	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// distinctOrders calls f for each order of a trail: of several purchases with one order id the first counts, and a
// purchase without an order id is an order of its own.
func distinctOrders(trail []*pb.Step, f func(*pb.Step)) {
	var seen []string
	for _, t := range trail {
		if t.Action != "purchased" || t.OrderId != "" && slices.Contains(seen, t.OrderId) {
			continue
		}
		seen = append(seen, t.OrderId)
		f(t)
	}
}

// OrdersValue sums the value of a trail's distinct orders.
func OrdersValue(trail []*pb.Step) (sum int64) {
	distinctOrders(trail, func(t *pb.Step) { sum += t.ValueMinor })
	return sum
}

// Orders counts a trail's distinct orders.
func Orders(trail []*pb.Step) (n int) {
	distinctOrders(trail, func(*pb.Step) { n++ })
	return n
}
