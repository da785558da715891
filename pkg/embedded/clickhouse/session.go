package clickhouse

import (
	"sync"
	"time"
)

const (
	// maxSessions is far beyond one machine's clients; each holds a connection, which costs next to nothing at rest.
	maxSessions = 64
	// sessionTimeout is ClickHouse's default_session_timeout.
	sessionTimeout = 60 * time.Second
)

// sessions are connections of their own, so what a client SETs or creates as temporary lives with its session and
// reaches nobody else. The one that rested longest makes room for a new one.
type sessions struct {
	open func() (*conn, error)
	mu   sync.Mutex
	byID map[string]*session
}

type session struct {
	conn    *conn
	busy    bool
	used    time.Time
	timeout time.Duration
}

// get takes a session, and opens it unless the client asked to check that it exists.
func (s *sessions) get(id string, timeout time.Duration, mustExist bool) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(time.Now())
	got := s.byID[id]
	if got != nil && got.busy {
		return nil, fail(codeSessionLocked, "SESSION_IS_LOCKED", "Session %s is locked by a concurrent client", id)
	}
	if got == nil {
		if mustExist {
			return nil, fail(codeNoSession, "SESSION_NOT_FOUND", "Session %s not found", id)
		}
		if err := s.room(); err != nil {
			return nil, err
		}
		c, err := s.open()
		if err != nil {
			return nil, err
		}
		got = &session{conn: c}
		s.byID[id] = got
	}
	got.busy, got.timeout = true, timeout
	return got, nil
}

func (s *sessions) put(got *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	got.busy, got.used = false, time.Now()
}

func (s *sessions) expire(now time.Time) {
	for id, x := range s.byID {
		if !x.busy && now.Sub(x.used) > x.timeout {
			x.conn.close()
			delete(s.byID, id)
		}
	}
}

func (s *sessions) room() error {
	if len(s.byID) < maxSessions {
		return nil
	}
	oldest := ""
	for id, x := range s.byID {
		if !x.busy && (oldest == "" || x.used.Before(s.byID[oldest].used)) {
			oldest = id
		}
	}
	if oldest == "" {
		return fail(codeTooMany, "TOO_MANY_SIMULTANEOUS_QUERIES", "All %d sessions of the embedded engine are busy", maxSessions)
	}
	s.byID[oldest].conn.close()
	delete(s.byID, oldest)
	return nil
}

func (s *sessions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, x := range s.byID {
		x.conn.close()
		delete(s.byID, id)
	}
}
