package sim

import "cmp"

// Segment of the session: where its cells are.
func (s *Session) Segment() Segment { return Segment{s.Store, s.Window, s.Channel, s.Device} }

// Segment is a window of one store, channel and device.
type Segment struct {
	Store   string `json:"store"`
	Window  int64  `json:"window"` // start, Unix seconds
	Channel string `json:"channel"`
	Device  string `json:"device"`
}

// Compare orders segments by store, window, channel, device.
func (s Segment) Compare(o Segment) int {
	return cmp.Or(cmp.Compare(s.Store, o.Store), cmp.Compare(s.Window, o.Window), cmp.Compare(s.Channel, o.Channel), cmp.Compare(s.Device, o.Device))
}

// Cell is one funnel step of one segment. By entry, cells exist for all steps of a segment in which a session started.
type Cell struct {
	Segment
	FunnelVersion int    `json:"funnel_version"`
	Step          int    `json:"step"` // from 1
	Action        string `json:"action"`
	Units         int64  `json:"units"`
	Implied       int64  `json:"implied"`
	Entered       int64  `json:"entered"`        // units of step 1; 0 by occurrence
	ObservedValue int64  `json:"observed_value"` // minor units
	OpenUnits     int64  `json:"open_units"`     // 0 by occurrence
}
