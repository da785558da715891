package session

import pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"

// spanIdle ends a span: 400 days without an event, in milliseconds.
const spanIdle = 400 * day

// span is who the visitor is for a while: at most one user (design §4, the star).
type span struct {
	user, email string
	number      uint32
	seen        int64
}

func spanOf(s *pb.Span) span {
	return span{user: s.GetUser(), email: s.GetEmailHash(), number: s.GetNumber(), seen: s.GetSeen()}
}

// stored is nil for a span that holds nothing worth keeping.
func (s span) stored() *pb.Span {
	if s.user == "" && s.email == "" {
		return nil
	}
	return &pb.Span{User: s.user, EmailHash: s.email, Number: s.number, Seen: s.seen}
}

// next is the span at e. Gaining a user is an upgrade; two different users, or two e-mails without a user, are a switch
// and start a new span.
func (s span) next(e *pb.StoredEvent) span {
	idle := (s.user != "" || s.email != "") && e.EventTs-s.seen > spanIdle
	users := e.User != "" && s.user != "" && e.User != s.user
	emails := e.User == "" && s.user == "" && e.EmailHash != "" && s.email != "" && e.EmailHash != s.email
	if idle || users || emails {
		return span{user: e.User, email: e.EmailHash, number: s.number + 1, seen: e.EventTs}
	}
	s.seen = max(s.seen, e.EventTs)
	if e.User != "" {
		s.user = e.User
	}
	if e.EmailHash != "" && (s.email == "" || e.User != "") {
		s.email = e.EmailHash
	}
	return s
}
