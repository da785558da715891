package collect

import (
	"unicode/utf16"
	"unicode/utf8"
)

// escape is the length of the escape that b starts with, 0 if it is none. A surrogate comes with its other half, or
// it is none (RFC 8259 §7, §8.2).
func escape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		r, n := codePoint(b)
		if r < 0 {
			return 0
		}
		return n
	}
	return 0
}

// codePoint of \uXXXX or of a pair of them; -1 if b does not start with one.
func codePoint(b []byte) (r rune, n int) {
	r = hex4(b)
	if r < 0 || !utf16.IsSurrogate(r) {
		return r, 6
	}
	second := hex4(b[6:])
	if second < 0 {
		return -1, 0
	}
	if r = utf16.DecodeRune(r, second); r == utf8.RuneError {
		return -1, 0
	}
	return r, 12
}

// hex4 is XXXX of a leading \uXXXX, -1 if there is none.
func hex4(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	r := rune(0)
	for _, c := range b[2:6] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// unescape is what the checked string b stands for, in the arena.
func (s *scanner) unescape(b []byte) string {
	start := len(s.arena)
	for i := 0; i < len(b); {
		c := b[i]
		if c != '\\' {
			s.arena = append(s.arena, c)
			i++
			continue
		}
		n := 2
		switch c = b[i+1]; c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			var r rune
			r, n = codePoint(b[i:])
			s.arena = utf8.AppendRune(s.arena, r)
			i += n
			continue
		}
		s.arena = append(s.arena, c)
		i += n
	}
	return view(s.arena[start:])
}
