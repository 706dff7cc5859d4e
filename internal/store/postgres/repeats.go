package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/chat"
)

// insertRepeats is the statement of each table.
var insertRepeats [slots]string

func init() {
	for i := range insertRepeats {
		insertRepeats[i] = fmt.Sprintf(`INSERT INTO repeats_%d (slot, app, journal, key, attempt, seq, time)
			SELECT %[1]d, $1, $2, * FROM unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[])`, i)
	}
}

const findRepeats = `SELECT r.journal, r.key, r.attempt, r.seq, r.time FROM repeats r WHERE r.app = $1 AND r.key = ANY($2) AND r.time >= $3`

// scanRepeat adds a repeat of the journal to those found; of several with one key
// the newest counts.
func scanRepeat(r pgx.Rows, journal int64, found map[chat.RepeatKey]chat.Repeat) error {
	var of int64
	var p chat.Repeat
	if err := r.Scan(&of, (*[16]byte)(&p.Key), (*[16]byte)(&p.Attempt), &p.Seq, &p.Time); err != nil {
		return err
	}
	if old, ok := found[p.Key]; of == journal && (!ok || old.Time < p.Time) {
		found[p.Key] = p
	}
	return nil
}

// lookups asks for repeats, which every send does: those that wait at the same
// time share a question. Nothing can be remembered here instead, because other
// processes accept sends as well.
type lookups struct {
	store *Store

	away atomic.Bool // the last question got no answer: the next one is not put for long

	mu      sync.Mutex
	waiting map[chat.AppID][]*lookup
	asking  int
}

// maxAsking is how many questions may be under way at once; what comes meanwhile
// shares the next one.
const maxAsking = 2

// maxShared is how many look-ups share a question.
const maxShared = 256

type lookup struct {
	key   chat.RepeatKey
	since int64 // the oldest time that counts, unix seconds
	found chat.Repeat
	ok    bool
	err   error
	done  chan struct{}
}

// Repeat looks for an accepted send that is not older than [chat.RepeatWindow]
// at the time now, in unix seconds. While the database is away it waits for up
// to two seconds, so that a short break costs only time; one that
// lasts longer is not waited for again.
func (s *Store) Repeat(ctx context.Context, app chat.AppID, key chat.RepeatKey, now int64) (chat.Repeat, bool, error) {
	if err := ctx.Err(); err != nil {
		return chat.Repeat{}, false, err
	}
	if s.closed.Load() {
		return chat.Repeat{}, false, errClosed
	}
	l := &lookup{key: key, since: now - chat.RepeatWindow, done: make(chan struct{})}
	s.asked.put(app, l)
	late := time.NewTimer(askTime) // it may stand behind a question that is not answered
	defer late.Stop()
	select {
	case <-l.done:
		return l.found, l.ok, l.err
	case <-late.C:
		return chat.Repeat{}, false, fmt.Errorf("look up repeats: %w", chat.ErrStoreAway)
	}
}

func (q *lookups) put(app chat.AppID, l *lookup) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting == nil {
		q.waiting = make(map[chat.AppID][]*lookup)
	}
	q.waiting[app] = append(q.waiting[app], l)
	if q.asking < maxAsking {
		q.asking++
		go q.run()
	}
}

// take gives what shares the next question.
func (q *lookups) take() (app chat.AppID, list []*lookup) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for app, list = range q.waiting {
		if len(list) <= maxShared {
			delete(q.waiting, app)
			return app, list
		}
		q.waiting[app] = list[maxShared:]
		return app, list[:maxShared]
	}
	q.asking--
	return 0, nil
}

func (q *lookups) run() {
	for {
		app, list := q.take()
		if list == nil {
			return
		}
		q.store.ask(app, list)
		for _, l := range list {
			close(l.done)
		}
	}
}

// patience is how long a look-up waits for a database that is away.
const patience = 2 * time.Second

// ask puts one question for several look-ups.
func (s *Store) ask(app chat.AppID, list []*lookup) {
	keys := make([][16]byte, len(list))
	since := list[0].since
	for i, l := range list {
		keys[i] = l.key
		since = min(since, l.since)
	}
	var found map[chat.RepeatKey]chat.Repeat
	deadline := time.Now()
	if !s.asked.away.Load() {
		deadline = deadline.Add(patience)
	}
	for {
		found = make(map[chat.RepeatKey]chat.Repeat)
		err := s.query(context.Background(), "look up repeats", `SELECT h.journal, r.key, r.attempt, r.seq, r.time
			FROM heads h JOIN repeats r ON r.app = h.app AND r.journal = h.journal WHERE h.app = $1 AND r.key = ANY($2) AND r.time >= $3`,
			func(r pgx.Rows) error {
				var journal int64
				var p chat.Repeat
				if err := r.Scan(&journal, (*[16]byte)(&p.Key), (*[16]byte)(&p.Attempt), &p.Seq, &p.Time); err != nil {
					return err
				}
				if old, ok := found[p.Key]; !ok || old.Time < p.Time {
					found[p.Key] = p
				}
				return nil
			}, int64(app), keys, since)
		if err == nil {
			s.asked.away.Store(false)
			break
		}
		s.asked.away.Store(errors.Is(err, chat.ErrStoreAway) && time.Now().After(deadline))
		if !errors.Is(err, chat.ErrStoreAway) || time.Now().After(deadline) || s.closed.Load() {
			for _, l := range list {
				l.err = err
			}
			return
		}
		time.Sleep(20 * time.Millisecond) // between two tries of a database that is away
	}
	for _, l := range list {
		p, ok := found[l.key]
		if l.ok = ok && p.Time >= l.since; l.ok {
			l.found = p
		}
	}
}
