package console

import (
	"crypto/sha256"
	"crypto/subtle"
	"sync"
	"time"
)

// At most wrongTries wrong secrets are looked at within wrongWindow.
const (
	wrongTries  = 10
	wrongWindow = time.Minute
)

// door compares secrets, and not too many wrong ones.
type door struct {
	now  func() time.Time
	want [sha256.Size]byte

	mu    sync.Mutex // held while comparing: tries at once are counted one by one
	wrong []time.Time
}

func newDoor(secret string, now func() time.Time) *door {
	return &door{now: now, want: sha256.Sum256([]byte(secret))}
}

// try says whether the secret is the right one. If wait is not 0, there were
// too many wrong ones: it was not looked at, and may be tried again after wait.
func (d *door) try(secret string) (right bool, wait time.Duration) {
	got := sha256.Sum256([]byte(secret))
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	for len(d.wrong) > 0 && now.Sub(d.wrong[0]) >= wrongWindow {
		d.wrong = d.wrong[1:]
	}
	if len(d.wrong) >= wrongTries {
		return false, wrongWindow - now.Sub(d.wrong[0])
	}
	// Hashes, so that neither content nor length shows in the time it takes.
	if subtle.ConstantTimeCompare(got[:], d.want[:]) == 1 {
		return true, 0
	}
	d.wrong = append(d.wrong, now)
	return false, 0
}
