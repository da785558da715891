package collect

import (
	"math/rand/v2"
	"testing"
)

// grower writes random JSON around the names that the decoder knows, and spoils some of it.
type grower struct {
	r   *rand.Rand
	out []byte
}

// randomBodies is how many are tried.
const randomBodies = 30_000

var growNames = []string{"batch", "context", "page", "campaign", "traits", "properties", "consent", "type", "event", "name", "anonymousId", "userId", "previousId",
	"messageId", "timestamp", "sentAt", "writeKey", "url", "path", "title", "referrer", "source", "medium", "userAgent", "email", "revenue", "value", "quantity", "experiment_id", "experiment_name", "variation_id", "variation_name",
	`\u0075rl`, "x", ""}

var growLeaves = []string{`null`, `true`, `false`, `0`, `-1.5e3`, `"x"`, `"\u00e9"`, `"a\\b"`, `"\ud83d\ude00"`, `"é"`, `""`, `{}`, `[]`, `17`}

func (g *grower) pick(list []string) { g.out = append(g.out, list[g.r.IntN(len(list))]...) }

func (g *grower) value(depth int) {
	switch k := g.r.IntN(10); {
	case depth > 4 || k < 4:
		g.pick(growLeaves)
	case k < 8:
		g.object(depth)
	default:
		g.array(depth)
	}
}

func (g *grower) object(depth int) {
	g.out = append(g.out, '{')
	for i := range g.r.IntN(5) {
		if i > 0 {
			g.out = append(g.out, ',')
		}
		g.space()
		g.out = append(g.out, '"')
		g.pick(growNames)
		g.out = append(g.out, '"')
		g.space()
		g.out = append(g.out, ':')
		g.space()
		g.value(depth + 1)
	}
	g.out = append(g.out, '}')
}

func (g *grower) array(depth int) {
	g.out = append(g.out, '[')
	for i := range g.r.IntN(4) {
		if i > 0 {
			g.out = append(g.out, ',')
		}
		g.value(depth + 1)
	}
	g.out = append(g.out, ']')
}

func (g *grower) space() {
	if g.r.IntN(12) == 0 {
		g.out = append(g.out, " \n"[g.r.IntN(2)])
	}
}

// spoil changes a byte, takes one out or puts one in.
func (g *grower) spoil() {
	const bytes = "{}[]:,\"\\ 0-1.eEtfnu\x01\xff\xc3d8"
	i := g.r.IntN(len(g.out) + 1)
	c := bytes[g.r.IntN(len(bytes))]
	switch k := g.r.IntN(4); {
	case k == 0 || i == len(g.out):
		g.out = append(g.out[:i], append([]byte{c}, g.out[i:]...)...)
	case k == 1:
		g.out = append(g.out[:i], g.out[i+1:]...)
	case k == 2:
		g.out[i] = c
	default:
		g.out = g.out[:i] // cut off
	}
}

// Ensure that the decoder and json/v2 agree on random bodies, two in three of them spoilt.
func TestDecodeRandom(t *testing.T) {
	t.Parallel()
	g := &grower{r: rand.New(rand.NewPCG(3, 4))}
	d := &decoder{}
	for range randomBodies {
		g.out = g.out[:0]
		if g.r.IntN(2) == 0 {
			g.out = append(g.out, `{"batch":`...)
			g.array(1)
			g.out = append(g.out, `,"context":`...)
			g.value(1)
			g.out = append(g.out, '}')
		} else {
			g.object(0)
		}
		for range g.r.IntN(3) {
			g.spoil()
		}
		compare(t, d, g.out, []string{"", "track"}[g.r.IntN(2)])
	}
}
