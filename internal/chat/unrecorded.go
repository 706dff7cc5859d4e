package chat

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
)

// Bounds of what waits for a store that takes no writes.
const (
	maxUnrecorded  = 4096
	unrecordedSize = 8 << 20 // bytes reserved in the data folder
)

// Unrecorded keeps the exceptions with code 10002 that were told to their
// senders but could not be committed: in memory, and in a file whose room was
// reserved while there was some. When the store recovers they are committed,
// also by a later process. What a kill may lose: what the failing disk did not
// take.
//
// The file holds one JSON line each, followed by zeros up to its size.
type Unrecorded struct {
	waiting []*entry
	count   atomic.Int64 // exceptions, for the metric
	full    atomic.Bool

	file *os.File // nil: in memory only
	end  int64
}

// unrecordedLine is one exception in the file.
type unrecordedLine struct {
	ID      AttemptID
	Send    Send
	Refusal Refusal
	Count   int
}

// OpenUnrecorded opens or makes the file in dir; an empty dir keeps exceptions
// in memory only. What an earlier process left is returned by load.
func OpenUnrecorded(dir string) (*Unrecorded, error) {
	u := &Unrecorded{}
	if dir == "" {
		return u, nil
	}
	f, err := os.OpenFile(filepath.Join(dir, "unrecorded"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the file for unrecorded refusals: %w", err)
	}
	u.file = f
	return u, nil
}

// load reads what an earlier process left, then reserves the file's room. Its
// last line may be cut off by a kill; it is left out.
func (u *Unrecorded) load(b *Backend) error {
	if u.file == nil {
		return nil
	}
	r := bufio.NewReaderSize(io.LimitReader(u.file, unrecordedSize), 1<<16)
	for {
		line, err := r.ReadBytes('\n')
		if len(line) == 0 || line[0] == 0 || errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read unrecorded refusals: %w", err)
		}
		var l unrecordedLine
		if json.Unmarshal(line, &l) != nil {
			break
		}
		a, ok := b.tenant(l.Send.App)
		if !ok {
			continue
		}
		t := &attempt{id: l.ID, send: &l.Send, tenant: a, app: a.app.Load(), now: b.Now()}
		u.waiting = append(u.waiting, &entry{attempt: t, refusal: &l.Refusal, count: l.Count, told: true, done: make(chan struct{})})
		u.end += int64(len(line))
	}
	u.count.Store(int64(len(u.waiting)))
	return reserve(u.file, u.end)
}

// reserve fills the file with zeros from an offset on, so that the disk's blocks
// are there when the disk is full.
func reserve(f *os.File, from int64) error {
	zeros := make([]byte, 1<<16)
	for from < unrecordedSize {
		n, err := f.WriteAt(zeros[:min(int64(len(zeros)), unrecordedSize-from)], from)
		if err != nil {
			return fmt.Errorf("reserve room for unrecorded refusals: %w", err)
		}
		from += int64(n)
	}
	return f.Sync()
}

// put keeps an exception; it reports false when there is no room.
func (u *Unrecorded) put(e *entry) bool {
	if len(u.waiting) >= maxUnrecorded {
		u.full.Store(true)
		return false
	}
	u.waiting = append(u.waiting, e)
	u.count.Store(int64(len(u.waiting)))
	u.full.Store(len(u.waiting) >= maxUnrecorded)
	if u.file == nil {
		return true
	}
	line, err := json.Marshal(unrecordedLine{ID: e.attempt.id, Send: *e.attempt.send, Refusal: *e.refusal, Count: e.count})
	if err != nil || u.end+int64(len(line))+1 > unrecordedSize {
		return true // in memory all the same
	}
	if n, err := u.file.WriteAt(append(line, '\n'), u.end); err == nil {
		u.end += int64(n)
		_ = u.file.Sync() // the disk is failing already; what it takes, it takes
	}
	return true
}

func (u *Unrecorded) len() int { return int(u.count.Load()) }

// head is at most n of the exceptions that wait, oldest first.
func (u *Unrecorded) head(n int) []*entry { return u.waiting[:min(n, len(u.waiting))] }

// drop forgets the n oldest, which are committed now.
func (u *Unrecorded) drop(n int) {
	u.waiting = u.waiting[n:]
	u.count.Store(int64(len(u.waiting)))
	u.full.Store(false)
	if len(u.waiting) > 0 || u.file == nil || u.end == 0 {
		return
	}
	u.waiting = nil
	if _, err := u.file.WriteAt(make([]byte, u.end), 0); err == nil && u.file.Sync() == nil {
		u.end = 0
	}
}

func (u *Unrecorded) close() error {
	if u.file == nil {
		return nil
	}
	return u.file.Close()
}
