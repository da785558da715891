package collect

// skip checks the value that starts here, whatever it is.
func (s *scanner) skip() bool {
	switch c := s.space(); c {
	case '"':
		end := plain(s.b, s.i+1)
		if end < len(s.b) && s.b[end] == '"' && end <= s.bad {
			s.i = end + 1
			return true
		}
		return s.quoted()
	case '{':
		return s.skipObject()
	case '[':
		return s.skipArray()
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return s.number()
	}
	return s.fail(s.i, "a value is missing")
}

// open enters the array or object that starts here; it is empty if last follows at once.
func (s *scanner) open(last byte) (empty, ok bool) {
	if s.depth == maxDepth {
		return false, s.fail(s.i, "nested too deep")
	}
	s.i++
	if s.space() == last {
		s.i++
		return true, true
	}
	s.depth++
	return false, true
}

// more tells whether a comma leads to another element, or last ends the array or object.
func (s *scanner) more(last byte) (more, ok bool) {
	switch s.space() {
	case last:
		s.i++
		s.depth--
		return false, true
	case ',':
		comma := s.i
		s.i++
		if c := s.space(); c == '}' || c == ']' {
			if s.tokens {
				return false, s.fail(comma, "a comma too many")
			}
			return false, s.fail(s.i, "a comma too many")
		}
		return true, true
	}
	return false, s.fail(s.i, "a comma or closing bracket is missing")
}

func (s *scanner) skipArray() bool {
	empty, ok := s.open(']')
	for more := !empty; more && ok; {
		if !s.skip() {
			return false
		}
		more, ok = s.more(']')
	}
	return ok
}

func (s *scanner) skipObject() bool {
	empty, ok := s.open('}')
	for more := !empty; more && ok; {
		if s.space() != '"' {
			return s.noName(false)
		}
		if !s.skip() || !s.colon() || !s.skip() {
			return false
		}
		more, ok = s.more('}')
	}
	return ok
}

func (s *scanner) colon() bool {
	if s.space() != ':' {
		return s.fail(s.i, "a colon is missing after a name")
	}
	s.i++
	return true
}

// noName is the fault of a member without a name: here stands something else. Where json/v2 reads tokens, it reads a
// number or literal to its end first, and in an object that it knows also an array or object.
func (s *scanner) noName(known bool) bool {
	start := s.i
	switch c := s.space(); {
	case !s.tokens || !known && (c == '{' || c == '['):
	case c == '}' || c == ']' || c == ':' || c == ',' || c == 0:
	default:
		s.tokens = false
		if !s.skip() {
			return false
		}
	}
	return s.fail(start, "a name is missing")
}
