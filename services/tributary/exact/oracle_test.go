package exact_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// happening is one thing that a visitor did, as the oracle sees it: nothing but what the published meanings speak of.
type happening struct {
	id, eventID string
	ts          int64
	sequence    uint32
	user        string
	action      string
	campaign    string
	channel     string
	interactive bool
}

// rules are a store's settings in its history: those before a moment, and those from it on.
type rules struct {
	limit         int
	moment        int64
	before, after rule
}

// rule is what holds at a time.
type rule struct {
	gap     int64
	version int  // of the funnel; 2 has no product_viewed
	listed  bool // only Direct is on the allow-list
}

func (r rules) at(ts int64) rule {
	if ts < r.moment {
		return r.before
	}
	return r.after
}

// oracle counts sessions and cells from the whole set at once, by the words of the README and nothing else: sort, cut,
// keep the first of each run, walk the steps. It knows no order of arrival.
func oracle(all []happening, r rules) (sessions, cells []string) {
	slices.SortFunc(all, func(a, b happening) int {
		return cmp.Or(cmp.Compare(a.ts, b.ts), cmp.Compare(a.sequence, b.sequence), cmp.Compare(a.eventID, b.eventID))
	})
	count := map[string][]int{}
	for _, s := range sessionsOf(all, r) {
		ids := []string{}
		for _, h := range s.kept {
			ids = append(ids, h.id)
		}
		slices.Sort(ids)
		sessions = append(sessions, fmt.Sprint(strings.Join(ids, ","), " +", s.tail))
		rule := r.at(s.kept[0].ts)
		channel := s.kept[0].channel
		if rule.listed && channel != "Direct" {
			channel = "(other)"
		}
		key := fmt.Sprint(s.kept[0].ts/900_000, " ", channel, " ", rule.version)
		if count[key] == nil {
			count[key] = make([]int, 5)
		}
		level, implied := depth(append(s.kept, s.joined...), rule.version)
		for k := range level {
			count[key][k]++
		}
		if implied {
			count[key][4]++
		}
	}
	for key, n := range count {
		steps := 4
		if strings.HasSuffix(key, " 2") {
			steps = 3
		}
		cells = append(cells, fmt.Sprint(key, " ", n[:steps], " implied ", n[4]))
	}
	slices.Sort(sessions)
	slices.Sort(cells)
	return sessions, cells
}

// visit is one session of the oracle.
type visit struct {
	kept, joined []happening
	tail         int
	ended        int64
}

func sessionsOf(sorted []happening, r rules) (out []visit) {
	user, last, inRun := "", int64(-1<<60), 0
	switched := false
	for _, h := range sorted {
		if h.interactive {
			if h.ts-last > r.at(last).gap {
				inRun, switched = 0, false
				out = append(out, visit{})
			}
			last = h.ts
			if inRun++; inRun > r.limit {
				out[len(out)-1].tail++
				out[len(out)-1].ended = h.ts
				continue
			}
		}
		if h.user != "" && user != "" && h.user != user {
			switched = true
		}
		if h.user != "" {
			user = h.user
		}
		if !h.interactive {
			continue
		}
		now := &out[len(out)-1]
		if n := len(now.kept); n > 0 && (switched || h.campaign != "" && h.campaign != lastCampaign(now.kept)) {
			out = append(out, visit{})
			now = &out[len(out)-1]
		}
		switched = false
		now.kept, now.ended = append(now.kept, h), h.ts
	}
	for _, h := range sorted {
		if h.interactive {
			continue
		}
		for i := len(out) - 1; i >= 0; i-- {
			if out[i].kept[0].ts <= h.ts && h.ts <= out[i].ended+r.at(out[i].ended).gap {
				out[i].joined = append(out[i].joined, h)
				break
			}
		}
	}
	return out
}

func lastCampaign(hs []happening) (c string) {
	for _, h := range hs {
		if h.campaign != "" {
			c = h.campaign
		}
	}
	return c
}

// depth walks a session's happenings through session, product_viewed?, cart_added, purchased; version 2 has no
// product_viewed.
func depth(hs []happening, version int) (level int, implied bool) {
	order := map[string]int{"product_viewed": 2, "cart_added": 3, "purchased": 4}
	slices.SortFunc(hs, func(a, b happening) int {
		return cmp.Or(cmp.Compare(a.ts, b.ts), cmp.Compare(order[a.action], order[b.action]), cmp.Compare(a.eventID, b.eventID))
	})
	level = 1
	for _, h := range hs {
		switch h.action {
		case "product_viewed":
			level = max(level, 2)
		case "cart_added":
			if level < 3 {
				implied = level == 1
				level = 3
			}
		case "purchased":
			if level == 3 {
				level = 4
			}
		}
	}
	if version == 2 {
		return max(1, level-1), false
	}
	return level, implied
}
