package console

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"
)

const (
	cookieName  = "parley_admin"
	sessionLife = 12 * time.Hour
	maxSessions = 64
)

// sessions are the logins that hold. They are kept by the hash of what the
// cookie says, so that looking one up takes no time that tells anything.
type sessions struct {
	now func() time.Time

	mu   sync.Mutex
	ends map[[sha256.Size]byte]time.Time
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, ends: map[[sha256.Size]byte]time.Time{}}
}

// begin makes a session and returns what its cookie says. If there are too
// many, the one that would end first ends now.
func (s *sessions) begin() string {
	id := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ends) >= maxSessions {
		s.dropOldest()
	}
	s.ends[sha256.Sum256([]byte(id))] = s.now().Add(sessionLife)
	return id
}

func (s *sessions) dropOldest() {
	var oldest [sha256.Size]byte
	var first time.Time
	for key, end := range s.ends {
		if first.IsZero() || end.Before(first) {
			oldest, first = key, end
		}
	}
	delete(s.ends, oldest)
}

// holds says whether the request's cookie is of a session that has not ended.
func (s *sessions) holds(r *http.Request) bool {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	key := sha256.Sum256([]byte(cookie.Value))
	s.mu.Lock()
	defer s.mu.Unlock()
	end, ok := s.ends[key]
	if ok && !s.now().Before(end) {
		delete(s.ends, key)
		ok = false
	}
	return ok
}

// end ends the session of the request's cookie, if it is one.
func (s *sessions) end(r *http.Request) {
	if cookie, err := r.Cookie(cookieName); err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.ends, sha256.Sum256([]byte(cookie.Value)))
	}
}

// sessionCookie carries id for the life of a session; an empty id removes it.
func sessionCookie(id string, secure bool) *http.Cookie {
	age := int(sessionLife / time.Second)
	if id == "" {
		age = -1
	}
	return &http.Cookie{
		Name: cookieName, Value: id, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode,
	}
}
