package collect

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
	"unsafe"
)

// maxDepth of nested arrays and objects. RFC 8259 §9 lets an implementation choose; json/v2 has the same.
const maxDepth = 10_000

// scanner walks a JSON text (RFC 8259) once and checks all of it: what it accepts is what json/v2 accepts.
//
// Strings that it hands out lie in the body where they stand there as they are, else in arena: they live until the
// body is used again.
type scanner struct {
	b     []byte
	i     int // the next byte
	bad   int // the first byte that is no UTF-8; len(b) if there is none
	depth int
	// tokens says that json/v2 would read this part token by token. It sees a comma too many at the comma then, and
	// inside a whole value at the bracket after it. Nothing else depends on it.
	tokens bool
	arena  []byte
	at     int    // where the first fault is
	why    string // and what it is
}

func (s *scanner) reset(b []byte) {
	*s = scanner{b: b, bad: len(b), arena: s.arena[:0]}
	if !utf8.Valid(b) {
		s.bad = firstBad(b)
	}
}

func firstBad(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

func (s *scanner) fail(at int, why string) bool {
	s.at, s.why = at, why
	return false
}

// view is b as a string, without a copy.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// space skips white space and gives the byte after it, 0 at the end.
func (s *scanner) space() byte {
	for s.i < len(s.b) {
		c := s.b[s.i]
		if c > ' ' {
			return c
		}
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return 0
		}
		s.i++
	}
	return 0
}

// ends fails unless only white space is left.
func (s *scanner) ends() bool {
	s.space()
	return s.i == len(s.b) || s.fail(s.i, "something follows the value")
}

// plain is the place of the first quote, backslash or control character at or after i, else the end. It looks at
// eight bytes at once: https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord.
func plain(b []byte, i int) int {
	const low, high = 0x0101010101010101, 0x8080808080808080
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		quote, slash := x^(low*'"'), x^(low*'\\')
		m := ((quote-low)&^quote | (slash-low)&^slash | (x-low*' ')&^x) & high
		if m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
		i++
	}
	return i
}

// text reads the string that starts here.
func (s *scanner) text() (string, bool) {
	start := s.i + 1
	end := plain(s.b, start)
	if end < len(s.b) && s.b[end] == '"' && end <= s.bad {
		s.i = end + 1
		return view(s.b[start:end]), true
	}
	if !s.quoted() {
		return "", false
	}
	return s.unescape(s.b[start : s.i-1]), true
}

// quoted checks the string that starts here.
func (s *scanner) quoted() bool {
	i := s.i + 1
	for {
		i = plain(s.b, i)
		switch {
		case i > s.bad:
			return s.fail(s.bad, "bytes that are no UTF-8")
		case i == len(s.b):
			return s.fail(i, "the string does not end")
		case s.b[i] == '"':
			s.i = i + 1
			return true
		case s.b[i] != '\\':
			return s.fail(i, "a control character in a string")
		}
		n := escape(s.b[i:])
		if n == 0 {
			return s.fail(i, "no valid escape")
		}
		i += n
	}
}

// number checks the number that starts here.
func (s *scanner) number() bool {
	b, i := s.b, s.i
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if n := digits(b, i); n > i {
		i = n
	} else {
		return s.noDigit(n)
	}
	if i < len(b) && b[i] == '.' {
		n := digits(b, i+1)
		if n == i+1 {
			return s.noDigit(n)
		}
		i = n
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		n := digits(b, i)
		if n == i {
			return s.noDigit(n)
		}
		i = n
	}
	s.i = i
	return true
}

// noDigit is the fault of a number that needs a digit at i. One that is cut off is reported where it starts.
func (s *scanner) noDigit(i int) bool {
	if i == len(s.b) {
		i = s.i
	}
	return s.fail(i, "a number without a digit where one belongs")
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// literal checks that word stands here.
func (s *scanner) literal(word string) bool {
	for k := range len(word) {
		if s.i+k == len(s.b) || s.b[s.i+k] != word[k] {
			return s.fail(s.i+k, "not true, false or null")
		}
	}
	s.i += len(word)
	return true
}
