package kafka

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// owned is who has what, by name.
func ownedBy(members []candidate, shares map[string][]int32) map[string][]int32 {
	out := map[string][]int32{}
	for _, m := range members {
		out[m.Name] = shares[m.id]
	}
	return out
}

// next is the members' claims after a generation.
func next(members []candidate, shares map[string][]int32, generation int32) []candidate {
	var out []candidate
	for _, m := range members {
		out = append(out, candidate{m.id, claim{Name: m.Name, Generation: generation, Owned: shares[m.id]}})
	}
	return out
}

// checkFair fails unless every partition has one owner and nobody has two more than another.
func checkFair(t *rapid.T, shares map[string][]int32, n int) {
	var all []int32
	least, most := n, 0
	for _, s := range shares {
		all = append(all, s...)
		least, most = min(least, len(s)), max(most, len(s))
	}
	slices.Sort(all)
	if len(all) != n || len(slices.Compact(all)) != n || most-least > 1 {
		t.Fatalf("%d partitions are shared as %v", n, shares)
	}
}

func anyMembers(t *rapid.T, n int) (out []candidate) {
	for i := range rapid.IntRange(1, 6).Draw(t, "members") {
		c := claim{Name: fmt.Sprint("m", i), Generation: rapid.Int32Range(0, 3).Draw(t, "generation")}
		c.Owned = rapid.SliceOfDistinct(rapid.Int32Range(0, int32(n)+2), rapid.ID).Draw(t, "owned")
		c.Stored = rapid.SliceOfDistinct(rapid.Int32Range(0, int32(n)), rapid.ID).Draw(t, "stored")
		out = append(out, candidate{id: fmt.Sprintf("m%d-x", i), claim: c})
	}
	return out
}

// Ensure that whatever members claim, the shares are whole, fair, and the same whoever computes them.
func TestAssignIsFair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 24).Draw(t, "n")
		members := anyMembers(t, n)
		shares := assign(members, n)
		checkFair(t, shares, n)
		shuffled := rapid.Permutation(members).Draw(t, "order")
		if again := assign(shuffled, n); fmt.Sprint(again) != fmt.Sprint(shares) {
			t.Fatalf("in another order: %v, not %v", again, shares)
		}
	})
}

// Ensure that nothing moves without a reason: the same members keep all, one that leaves gives up its own only, and one that
// comes takes no more than its share.
func TestAssignIsSticky(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 24).Draw(t, "n")
		members := anyMembers(t, n)
		shares := assign(members, n)
		before := ownedBy(members, shares)
		members = next(members, shares, 7)
		if again := assign(members, n); fmt.Sprint(again) != fmt.Sprint(shares) {
			t.Fatalf("the same members: %v, then %v", shares, again)
		}
		if len(members) > 1 {
			after := ownedBy(members[1:], assign(members[1:], n))
			for _, m := range members[1:] {
				for _, p := range before[m.Name] {
					if !slices.Contains(after[m.Name], p) {
						t.Fatalf("%s left, and %s lost %d: %v, then %v", members[0].Name, m.Name, p, before, after)
					}
				}
			}
		}
		more := append(slices.Clone(members), candidate{id: "new-x", claim: claim{Name: "new"}})
		shares = assign(more, n)
		moved := 0
		for _, m := range members {
			for _, p := range before[m.Name] {
				if !slices.Contains(shares[m.id], p) {
					moved++
				}
			}
		}
		if moved != len(shares["new-x"]) {
			t.Fatalf("one came and got %v, but %d moved: %v, then %v", shares["new-x"], moved, before, shares)
		}
	})
}

// Ensure that of two that claim a partition the later generation counts, and that a member gets what it has the state of.
func TestAssignPrefers(t *testing.T) {
	got := assign([]candidate{
		{"a", claim{Name: "a", Generation: 1, Owned: []int32{0, 1}}},
		{"b", claim{Name: "b", Generation: 2, Owned: []int32{1}}},
		{"c", claim{Name: "c", Stored: []int32{3, 4}}},
	}, 6)
	if want := map[string][]int32{"a": {0, 2}, "b": {1, 5}, "c": {3, 4}}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
