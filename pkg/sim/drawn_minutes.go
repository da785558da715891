package sim

import (
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// DrawnMinute is one minute of the last step by occurrence.
type DrawnMinute struct {
	At time.Time
	// Entered payments and Done orders.
	Entered, Done int64
}

// DrawMinutes draws payments and orders minute by minute, with the hours of the model. Outages are those of the Draw.
func DrawMinutes(d Draw) []DrawnMinute {
	r := rand.New(rand.NewPCG(d.Seed, 0x9e3779b97f4a7c15))
	var hoursSum, pays, orders float64
	for _, h := range hours {
		hoursSum += h
	}
	for _, dev := range devices {
		paid := dev.share * toProduct * dev.toCart * dev.toCheckout * dev.toPay
		pays, orders = pays+paid, orders+paid*dev.toBuy
	}
	out := make([]DrawnMinute, 0, d.Days*1440)
	for day := range d.Days {
		at := d.First.AddDate(0, 0, day)
		volume := float64(d.Sessions) * math.Exp(noiseVolume*r.NormFloat64()) * weekday(at)
		toOrder := noisy(orders/pays, noiseStep*r.NormFloat64())
		for m := range 1440 {
			t := at.Add(time.Duration(m) * time.Minute)
			l := drawnLuck{Rand: r}
			entered := int64(distuv.Poisson{Lambda: volume * pays * hours[m/60] / hoursSum / 60, Src: r}.Rand())
			out = append(out, DrawnMinute{At: t, Entered: entered, Done: l.binomial(entered, toOrder*factor(d.Incidents, IncidentCheckoutOutage, t))})
		}
	}
	return out
}
