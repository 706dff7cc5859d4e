// Package caller finds out who calls, for every door: by what UserSig, from what
// address, on what platform.
package caller

import (
	"errors"
	"sync"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/usersig"
)

// Verified remembers UserSigs that were found good, because admins send the
// same one with every call and checking one costs more than the rest of the
// door. It is bounded by two generations: when the young one is full, the old
// one is let go. An entry holds until its UserSig expires or its app has
// another key.
type Verified struct {
	mu         sync.Mutex
	young, old map[ticket]proof
	limit      int // entries of one generation
}

// ticket is a UserSig as it was presented.
type ticket struct {
	app       chat.AppID
	user, sig string
}

// proof is what a good UserSig was checked against.
type proof struct {
	key    string
	expiry time.Time // the last second at which it holds
}

// NewVerified makes a memory of at most so many UserSigs.
func NewVerified(entries int) *Verified {
	return &Verified{young: make(map[ticket]proof), limit: max(1, entries/2)}
}

// Check answers with nil for a UserSig that proves its bearer to be user.
func (v *Verified) Check(app *chat.App, user, sig string, now time.Time) *chat.Refusal {
	t := ticket{app.ID, user, sig}
	if v.holds(t, app.Key, now) {
		return nil
	}
	expiry, refusal := Verify(app, user, sig, now)
	if refusal == nil {
		v.put(t, proof{app.Key, expiry})
	}
	return refusal
}

// Verify checks a UserSig and tells the last second at which it holds, or why it
// proves nothing.
func Verify(app *chat.App, user, sig string, now time.Time) (expiry time.Time, r *chat.Refusal) {
	claims, err := usersig.Verify(sig, int64(app.ID), user, app.Key, now)
	if err != nil {
		return expiry, chat.Fail(codeOf(err))
	}
	return claims.ExpiresAt(), nil
}

func (v *Verified) holds(t ticket, key string, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	p, young := v.young[t]
	if !young {
		var ok bool
		if p, ok = v.old[t]; !ok {
			return false
		}
	}
	if p.key != key || now.Unix() > p.expiry.Unix() {
		delete(v.young, t)
		delete(v.old, t)
		return false
	}
	if !young {
		v.add(t, p)
	}
	return true
}

func (v *Verified) put(t ticket, p proof) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.add(t, p)
}

func (v *Verified) add(t ticket, p proof) {
	if len(v.young) >= v.limit {
		v.old, v.young = v.young, make(map[ticket]proof)
	}
	v.young[t] = p
}

func codeOf(err error) api.Code {
	switch {
	case errors.Is(err, usersig.ErrEmpty):
		return api.CodeUserSigEmpty
	case errors.Is(err, usersig.ErrWrongApp):
		return api.CodeUserSigWrongApp
	case errors.Is(err, usersig.ErrWrongUser):
		return api.CodeUserSigWrongUser
	case errors.Is(err, usersig.ErrExpired):
		return api.CodeUserSigExpired
	case errors.Is(err, usersig.ErrWrongKey):
		return api.CodeUserSigWrongKey
	}
	return api.CodeUserSigMalformed
}
