package kafka

import (
	"cmp"
	"slices"
)

// claim is what a member says of itself when it joins; JSON in the protocol's user data.
type claim struct {
	// Name of the instance.
	Name string `json:"name"`
	// Generation in which it got Owned. A later one wins where two claim a partition.
	Generation int32   `json:"generation"`
	Owned      []int32 `json:"owned"`
	// Stored are partitions whose state it keeps from before.
	Stored []int32 `json:"stored,omitempty"`
}

// candidate is a member with its claim.
type candidate struct {
	id string
	claim
}

// assign shares n partitions: nobody has two more than another, whoever has a partition keeps it as far as that allows, and the
// rest go to those who still have their state, then to those who have least. It depends on its arguments alone, not on their order.
func assign(members []candidate, n int) map[string][]int32 {
	out := map[string][]int32{}
	if len(members) == 0 {
		return out
	}
	members = slices.Clone(members)
	slices.SortFunc(members, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.id, b.id)) })
	kept := keep(members, n)
	limits := limits(kept, n)
	taken := make([]bool, n)
	for i := range members {
		kept[i] = kept[i][:min(len(kept[i]), limits[i])]
		for _, p := range kept[i] {
			taken[p] = true
		}
	}
	for _, stored := range []bool{true, false} { // first those who still have the state
		for p := range int32(n) {
			if i := heir(members, kept, limits, p, stored); !taken[p] && i >= 0 {
				kept[i], taken[p] = append(kept[i], p), true
			}
		}
	}
	for i, m := range members {
		slices.Sort(kept[i])
		out[m.id] = kept[i]
	}
	return out
}

// keep is what each member has, by the latest generation of those who claim it.
func keep(members []candidate, n int) [][]int32 {
	kept := make([][]int32, len(members))
	for p := range int32(n) {
		owner := -1
		for i, m := range members {
			if slices.Contains(m.Owned, p) && (owner < 0 || m.Generation > members[owner].Generation) {
				owner = i
			}
		}
		if owner >= 0 {
			kept[owner] = append(kept[owner], p)
		}
	}
	return kept
}

// limits of each member's share: n/len, and one more for as many as the rest, first those who have it already.
func limits(kept [][]int32, n int) []int {
	base, rest := n/len(kept), n%len(kept)
	order := make([]int, len(kept))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(kept[b]), len(kept[a])) })
	out := make([]int, len(kept))
	for place, i := range order {
		out[i] = base
		if place < rest {
			out[i]++
		}
	}
	return out
}

// heir of a partition that nobody keeps: who has least, of those with room and, if asked, its state; −1 if there is none.
func heir(members []candidate, kept [][]int32, limits []int, p int32, stored bool) int {
	best := -1
	for i, m := range members {
		if len(kept[i]) < limits[i] && (!stored || slices.Contains(m.Stored, p)) && (best < 0 || len(kept[i]) < len(kept[best])) {
			best = i
		}
	}
	return best
}
