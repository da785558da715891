package event_test

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/schemas"
)

const minute = int64(60_000)

// T-clock of features.md §2.1: below five minutes a difference is delay, from there on it is skew.
func TestCorrectTime(t *testing.T) {
	const now = int64(1_790_000_000_000)
	for _, c := range []struct {
		name           string
		original, sent int64
		ts             int64
		flags          uint32
	}{
		{"no time", 0, 0, now, 0},
		{"delay", now - 4*minute, now - 3*minute, now - 4*minute, 0},
		{"delay just below the limit", now - 6*minute, now - 5*minute + 1, now - 6*minute, 0},
		{"clock five minutes slow", now - 6*minute, now - 5*minute, now - minute, event.FlagSkewed},
		{"clock an hour slow, rounded", now - 62*minute, now - 61*minute, now - 2*minute, event.FlagSkewed},
		{"clock an hour fast", now + 59*minute, now + 60*minute, now - minute, event.FlagSkewed},
		{"future without send time", now + 2*minute, 0, now, event.FlagClamped},
		{"future within the skew limit", now + 2*minute, now + 3*minute, now, event.FlagClamped},
		{"fast clock, event after sending", now + 70*minute, now + 60*minute, now, event.FlagSkewed | event.FlagClamped},
	} {
		if ts, flags := event.CorrectTime(c.original, c.sent, now); ts != c.ts || flags != c.flags {
			t.Errorf("%s: got %+d, flags %b, want %+d, flags %b", c.name, ts-now, flags, c.ts-now, c.flags)
		}
	}
}

func TestTimeIsNeverInTheFuture(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.Int64Range(0, 1<<42)
		received := times.Draw(t, "received")
		if ts, _ := event.CorrectTime(times.Draw(t, "original"), times.Draw(t, "sent"), received); ts > received {
			t.Fatalf("event_ts %d is later than ingest_ts %d", ts, received)
		}
	})
}

func TestClockFloorNeverFalls(t *testing.T) {
	c := event.NewClock()
	if c.Watermark() != event.Unseen || c.Late("s", 0) {
		t.Fatal("an empty log has a watermark")
	}
	c.SetLateness("s", 0, 60*minute)
	c.Observe(100*minute, 0, false)
	if got, want := c.Watermark(), 100*minute-event.Allowance; got != want {
		t.Errorf("W: got %d, want %d", got, want)
	}
	floor := 40*minute - event.Allowance
	if !c.Late("s", floor-1) || c.Late("s", floor) {
		t.Error("an event is accepted iff event_ts ≥ floor")
	}
	c.SetLateness("s", 0, 90*minute) // L grows: the floor stays
	if got := c.Floor("s"); got != floor {
		t.Errorf("floor after a longer lateness: got %d, want %d", got, floor)
	}
	c.SetLateness("s", 0, 10*minute) // L shrinks: the floor rises
	if got, want := c.Floor("s"), 90*minute-event.Allowance; got != want {
		t.Errorf("floor after a shorter lateness: got %d, want %d", got, want)
	}
	c.Observe(50*minute, 0, false) // an older ingest_ts changes nothing
	if got, want := c.Floor("s"), 90*minute-event.Allowance; got != want {
		t.Errorf("floor after an older record: got %d, want %d", got, want)
	}
}

// Ensure that a clock that leads the broker's by more than 10 s does not move W, unless it is driven.
func TestClockGuard(t *testing.T) {
	c := event.NewClock()
	c.Observe(20_000, 10_000, false)
	if c.Watermark() == event.Unseen {
		t.Error("a lead of 10 s exactly counts")
	}
	c.Observe(60_001, 50_000, false)
	if c.MaxIngest() != 20_000 {
		t.Error("a lead above 10 s moved W")
	}
	c.Observe(60_001, 50_000, true)
	if c.MaxIngest() != 60_001 {
		t.Error("the guard does not hold for driven records")
	}
}

func TestMinFloorIsTheLeastOfTheStores(t *testing.T) {
	c := event.NewClock()
	c.SetLateness("a", 0, 60*minute)
	c.SetLateness("b", 0, 10*minute)
	c.Observe(100*minute, 0, false)
	if got, want := c.MinFloor(), 40*minute-event.Allowance; got != want {
		t.Errorf("got %d, want %d", got, want)
	}
	c.SetLateness("c", 0, 500*minute) // a store that is new does not pull F back
	if got, want := c.MinFloor(), 40*minute-event.Allowance; got != want {
		t.Errorf("with a new store: got %d, want %d", got, want)
	}
}

// Ensure that a lateness counts from its moment on, and that the floor is the maximum over time even if W jumps over it.
func TestLatenessChangesAtItsMoment(t *testing.T) {
	for _, jump := range []bool{false, true} {
		c := event.NewClock()
		c.SetLateness("s", 0, 10*minute)
		c.SetLateness("s", 100*minute, 60*minute)
		c.SetLateness("s", 300*minute, 5*minute)
		w := func(minutes int64) { c.Observe(minutes*minute+event.Allowance, 0, false) }
		w(50)
		if got, want := c.Floor("s"), 40*minute; got != want {
			t.Errorf("got %d, want %d", got, want)
		}
		if !jump {
			w(99)
			w(100)
		}
		w(101)
		if got, want := c.Floor("s"), 90*minute-1; got != want {
			t.Errorf("after L grew, jump %t: got %d, want %d", jump, got, want)
		}
		w(200)
		if got, want := c.Floor("s"), 140*minute; got != want {
			t.Errorf("got %d, want %d", got, want)
		}
		w(300)
		if got, want := c.Floor("s"), 295*minute; got != want {
			t.Errorf("after L shrank: got %d, want %d", got, want)
		}
	}
}

func TestClockSnapshot(t *testing.T) {
	c := event.NewClock()
	c.SetLateness("a", 0, 60*minute)
	c.SetLateness("b", 0, 10*minute)
	c.Observe(100*minute, 0, false)
	back := event.NewClock()
	if err := back.Restore(c.Snapshot()); err != nil {
		t.Fatal(err)
	}
	if back.MaxIngest() != c.MaxIngest() || back.Floor("a") != c.Floor("a") || back.Floor("b") != c.Floor("b") {
		t.Error("the restored clock differs")
	}
	for cut := range len(c.Snapshot()) {
		if cut != 8 && cut != 18 && event.NewClock().Restore(c.Snapshot()[:cut]) == nil {
			t.Errorf("a snapshot cut to %d bytes was taken", cut)
		}
	}
}

func FuzzClockRestore(f *testing.F) {
	f.Add([]byte("12345678\x00\x00\x00\x00\x00\x00\x00\x01\x01a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := event.NewClock()
		if c.Restore(b) == nil && event.NewClock().Restore(c.Snapshot()) != nil {
			t.Error("what was taken does not read back")
		}
	})
}

func TestClamp(t *testing.T) {
	for _, c := range []struct {
		ts, ingest, appended int64
		driven               bool
		want                 int64
		flags                uint32
	}{
		{70_000, 70_000, 50_000, false, 50_000, event.FlagClamped},
		{40_000, 70_000, 50_000, false, 40_000, 0},
		{60_000, 60_000, 50_000, false, 60_000, 0},
		{70_000, 70_000, 50_000, true, 70_000, 0},
		{70_000, 70_000, 0, false, 70_000, 0},
	} {
		if ts, flags := event.Clamp(c.ts, c.ingest, c.appended, c.driven); ts != c.want || flags != c.flags {
			t.Errorf("%+v: got %d, %d", c, ts, flags)
		}
	}
}

func TestMinor(t *testing.T) {
	for _, c := range []struct {
		number   string
		exponent int
		want     int64
		ok       bool
	}{
		{"18.99", 2, 1899, true}, {"-0.005", 2, -1, true}, {"0.0049", 2, 0, true}, {"1e2", 2, 10000, true},
		{"1.5E-1", 2, 15, true}, {"20", 0, 20, true}, {"0.5", 0, 1, true}, {"1.2345", 3, 1235, true},
		{"0000012.5", 2, 1250, true}, {"92233720368547758.07", 2, 9223372036854775807, true},
		{"92233720368547758.08", 2, 0, false}, {"12a", 2, 0, false}, {"", 2, 0, false}, {"1.", 2, 0, false},
		{".5", 2, 0, false}, {"1e", 2, 0, false}, {"1e999", 2, 0, false}, {"--1", 2, 0, false}, {"1.2x", 0, 0, false},
	} {
		if got, ok := event.Minor(c.number, c.exponent); got != c.want || ok != c.ok {
			t.Errorf("Minor(%q, %d): got %d, %t, want %d, %t", c.number, c.exponent, got, ok, c.want, c.ok)
		}
	}
}

// minorOracle is exact rational arithmetic: round(number · 10^exponent), half away from zero.
func minorOracle(number string, exponent int) *big.Int {
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		return nil
	}
	scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exponent, -exponent))), nil))
	if exponent < 0 {
		scale.Inv(scale)
	}
	r.Mul(r, scale)
	half := big.NewRat(1, 2)
	if r.Sign() < 0 {
		half.Neg(half)
	}
	r.Add(r, half)
	return new(big.Int).Quo(r.Num(), r.Denom())
}

func TestMinorEqualsExactArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`-?[0-9]{1,9}(\.[0-9]{1,6})?([eE][+-]?[0-9])?`).Draw(t, "number")
		exponent := rapid.IntRange(0, 3).Draw(t, "exponent")
		want := minorOracle(number, exponent)
		got, ok := event.Minor(number, exponent)
		if ok != want.IsInt64() || ok && got != want.Int64() {
			t.Fatalf("Minor(%q, %d): got %d, %t, want %s", number, exponent, got, ok, want)
		}
	})
}

func TestConvert(t *testing.T) {
	for _, c := range []struct {
		minor int64
		from  int
		rate  string
		to    int
		want  int64
		ok    bool
	}{
		{1000, 2, "0.92", 2, 920, true}, {1000, 2, "1", 2, 1000, true}, {1000, 0, "0.0061", 2, 610, true},
		{12345, 2, "163.5", 0, 20184, true}, {-5, 2, "0.5", 2, -3, true}, {5, 2, "0.5", 2, 3, true}, {4, 2, "0.1", 2, 0, true},
		{1000, 3, "3.25e0", 2, 325, true}, {1, 2, "-1", 2, 0, false}, {1, 2, "x", 2, 0, false}, {1, 2, "0", 2, 0, false},
		{9e18, 2, "10", 2, 0, false},
	} {
		if got, ok := event.Convert(c.minor, c.from, c.rate, c.to); ok != c.ok || ok && got != c.want {
			t.Errorf("%+v: got %d, %t", c, got, ok)
		}
	}
}

// Ensure that conversion is exact, and that what does not fit into 64 bits is refused whole.
func TestConvertEqualsExactArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.OneOf(rapid.Int64Range(-1e11, 1e11), rapid.Int64Range(-1e15, 1e15)).Draw(t, "minor")
		rate := rapid.StringMatching(`[1-9][0-9]{0,3}(\.[0-9]{1,8})?`).Draw(t, "rate")
		from, to := rapid.IntRange(0, 3).Draw(t, "from"), rapid.IntRange(0, 3).Draw(t, "to")
		r, _ := new(big.Rat).SetString(rate)
		r.Mul(r, new(big.Rat).SetInt64(minor))
		want := minorOracle(r.Num().String()+"/"+r.Denom().String(), to-from)
		fits := want.IsInt64()
		if !fits {
			want.SetInt64(0)
		}
		if got, ok := event.Convert(minor, from, rate, to); ok != fits || got != want.Int64() {
			t.Fatalf("%d of %d digits at %s to %d: got %d, %t, want %s, %t", minor, from, rate, to, got, ok, want, fits)
		}
	})
}

func names(t testing.TB) *event.Names {
	t.Helper()
	n, err := event.NewNames(schemas.Actions)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSegmentNames(t *testing.T) {
	n := names(t)
	for _, c := range []struct {
		call, track, action string
		interactive         bool
	}{
		{"track", "Product Viewed", "product_viewed", true},
		{"track", "viewed product", "product_viewed", true},
		{"track", "Wishlist Product Added to Cart", "cart_added", true},
		{"track", "Order Completed", "purchased", true},
		{"track", "Order Refunded", "refunded", false},
		{"track", "Email Opened", "email_opened", false},
		{"track", "Size Guide  Opened", "size_guide_opened", true},
		{"page", "", "page_viewed", true},
		{"screen", "Home", "page_viewed", true},
		{"identify", "", "identified", false},
		{"alias", "", "identified", false},
	} {
		got := n.Segment(c.call, c.track)
		if got != c.action || n.Interactive(got) != c.interactive {
			t.Errorf("%s %q: got %s (interactive %t), want %s (%t)", c.call, c.track, got, n.Interactive(got), c.action, c.interactive)
		}
	}
	for _, bad := range []string{"a\ty", "a\tmaybe\tX", "a\ty\tX\nb\ty\tx"} {
		if _, err := event.NewNames([]byte(bad)); err == nil {
			t.Errorf("table %q was taken", bad)
		}
	}
}

// Ensure that each fault has one reason.
func TestCheck(t *testing.T) {
	good := event.Facts{Type: "track", Name: "Product Viewed", MessageID: "m", Visitor: "a", Bytes: 10}
	if f := event.Check(good); f != nil {
		t.Fatalf("a good event was refused: %v", f)
	}
	long := strings.Repeat("x", 256)
	for want, change := range map[event.Reason]func(*event.Facts){
		event.ReasonNoUserAnonID:  func(f *event.Facts) { f.Visitor = "" },
		event.ReasonNoName:        func(f *event.Facts) { f.Name = "" },
		event.ReasonUnknownType:   func(f *event.Facts) { f.Type = "trakc" },
		event.ReasonIDTooLong:     func(f *event.Facts) { f.MessageID = long },
		event.ReasonUserTooLong:   func(f *event.Facts) { f.User = long },
		event.ReasonNameTooLong:   func(f *event.Facts) { f.Name = long },
		event.ReasonEventTooLarge: func(f *event.Facts) { f.Bytes = event.MaxBytes + 1 },
	} {
		f := good
		change(&f)
		if got := event.Check(f); got == nil || got.Reason != want || got.Rule == "" {
			t.Errorf("got %v, want %s with a rule", got, want)
		}
	}
}
