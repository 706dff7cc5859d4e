package chat

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
)

// Bounds of what waits for a store that takes no writes.
const (
	maxUnrecorded  = 4096
	maxUnrecordedB = 64 << 20 // bytes of messages in memory
	unrecordedSize = 8 << 20  // bytes reserved in the data folder
)

// Unrecorded keeps the exceptions with code 10002 that were told to their
// senders but could not be committed: in memory, and in a file whose room was
// reserved while there was some. When the store recovers they are committed,
// also by a later process. What a kill may lose: what the failing disk did not
// take.
//
// The file holds one JSON line each, followed by zeros up to its size.
//
// The exceptions themselves wait with their writers, which give them up here
// when they are committed.
type Unrecorded struct {
	count atomic.Int64 // exceptions, for the metric
	full  atomic.Bool

	mu    sync.Mutex
	bytes int
	file  *os.File // nil: in memory only
	end   int64
}

// unrecordedLine is one exception in the file.
type unrecordedLine struct {
	ID      AttemptID
	Send    Send
	Refusal Refusal
	Count   int
	// After is the app's next sequence when it was set aside: its event, if it
	// was recorded after all, has this one or a later.
	After Sequence
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
// last line may be cut off by a kill; it is left out, as is what was recorded
// before the file could be emptied.
func (u *Unrecorded) load(ctx context.Context, b *Backend) (waiting []*entry, err error) {
	if u.file == nil {
		return nil, nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	after := make(map[AppID]Sequence)
	r := bufio.NewReaderSize(io.LimitReader(u.file, unrecordedSize), 1<<16)
	for {
		line, err := r.ReadBytes('\n')
		if len(line) == 0 || line[0] == 0 || errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read unrecorded refusals: %w", err)
		}
		var l unrecordedLine
		if json.Unmarshal(line, &l) != nil {
			break
		}
		u.end += int64(len(line))
		a, ok := b.tenant(l.Send.App)
		if !ok {
			continue
		}
		t := &attempt{id: l.ID, sent: &l.Send, send: &l.Send, tenant: a, app: a.app.Load(), now: b.Now()}
		if printable(string(l.Send.Group), maxGroupID) {
			if t.view.group, err = b.hot.group(ctx, a, l.Send.Group); err != nil {
				return nil, fmt.Errorf("read the group of an unrecorded refusal: %w", err)
			}
		}
		if first, known := after[a.id]; !known || l.After < first {
			after[a.id] = l.After
		}
		waiting = append(waiting, &entry{attempt: t, refusal: &l.Refusal, count: l.Count, told: true, old: true, done: make(chan struct{})})
	}
	if waiting, err = leaveOutRecorded(ctx, b, waiting, after); err != nil {
		return nil, err
	}
	for _, e := range waiting {
		u.bytes += e.bytes()
	}
	u.count.Store(int64(len(waiting)))
	if len(waiting) == 0 {
		u.end = 0 // what the file holds is recorded
	}
	return waiting, reserve(u.file, u.end)
}

// LeftUnrecorded counts the refusals that the file in dir still holds. A server
// that starts there records them.
func LeftUnrecorded(dir string) (n int, err error) {
	f, err := os.Open(filepath.Join(dir, "unrecorded"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close() // it was only read
	for r := bufio.NewReaderSize(io.LimitReader(f, unrecordedSize), 1<<16); ; n++ {
		line, err := r.ReadBytes('\n')
		if len(line) == 0 || line[0] == 0 || errors.Is(err, io.EOF) || err == nil && !json.Valid(line) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// leaveOutRecorded looks through the journals for exceptions that are there
// although they still stand in the file.
func leaveOutRecorded(ctx context.Context, b *Backend, waiting []*entry, after map[AppID]Sequence) ([]*entry, error) {
	recorded := make(map[AttemptID]bool)
	for app, next := range after {
		for {
			page, err := b.store.Events(ctx, app, max(next, 1)-1, 1000, 4<<20)
			if err != nil {
				return nil, fmt.Errorf("look for unrecorded refusals in the journal: %w", err)
			}
			if len(page) == 0 {
				break
			}
			for i := range page {
				recorded[page[i].ID] = true
				next = page[i].Seq + 1
			}
		}
	}
	return slices.DeleteFunc(waiting, func(e *entry) bool { return recorded[e.attempt.id] }), nil
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

// put makes room for an exception and writes it to the file; it reports false
// when there is no room.
func (u *Unrecorded) put(e *entry) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.isFull() {
		u.full.Store(true)
		return false
	}
	u.bytes += e.bytes()
	u.count.Add(1)
	u.full.Store(u.isFull())
	if u.file == nil {
		return true
	}
	line, err := json.Marshal(unrecordedLine{ID: e.attempt.id, Send: *e.attempt.sent, Refusal: *e.refusal, Count: e.count, After: Sequence(e.attempt.tenant.next.Load())})
	if err != nil || u.end+int64(len(line))+1 > unrecordedSize {
		return true // in memory all the same
	}
	if n, err := u.file.WriteAt(append(line, '\n'), u.end); err == nil {
		u.end += int64(n)
		_ = u.file.Sync() // the disk is failing already; what it takes, it takes
	}
	return true
}

func (u *Unrecorded) isFull() bool {
	return u.count.Load() >= maxUnrecorded || u.bytes >= maxUnrecordedB
}

func (u *Unrecorded) len() int { return int(u.count.Load()) }

// drop forgets exceptions that are committed now.
func (u *Unrecorded) drop(list []*entry) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, e := range list {
		u.bytes -= e.bytes()
	}
	u.count.Add(-int64(len(list)))
	u.full.Store(false)
	if u.count.Load() > 0 || u.file == nil || u.end == 0 {
		return
	}
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
