package sqlite

import (
	"errors"
	"fmt"

	"github.com/parley-im/parley/internal/chat"
)

var (
	errReopen = errors.New("sqlite: the write connection is in doubt, the store must be opened again")
	errEnded  = errors.New("sqlite: the transaction has ended")
)

// tx is the open write transaction; there is at most one.
type tx struct {
	store    *Store
	w        *session
	repeats  *repeats
	added    remembered
	apps     map[chat.AppID]chat.Head // the heads that this transaction locked and wrote
	groups   []chat.GroupHead
	changes  bool // records were given out: heads are read from the tables alone
	purging  bool // a group was dissolved
	erasing  bool // an account was deleted
	failed   error
	finished bool
}

var _ chat.Tx = (*tx)(nil)

// Begin opens the write transaction. It fails when the last one ended in doubt
// and the store was not opened again.
func (s *Store) Begin() (chat.Tx, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.files == nil:
		return nil, ErrClosed
	case s.broken:
		return nil, errReopen
	}
	if err := s.files.writer.exec("BEGIN IMMEDIATE"); err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	return &tx{store: s, w: s.files.writer, repeats: s.repeats}, nil
}

// fail notes a statement's error, after which only Rollback may follow.
func (t *tx) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	t.failed = fmt.Errorf("%s: %w", op, err)
	return t.failed
}

// Lock reads what the app's next rows depend on. For an app that does not exist
// it gives the zero Head: a Next of 0, which no app has.
func (t *tx) Lock(app chat.AppID, groups []chat.GroupKey, keys []chat.RepeatKey, now int64) (chat.Head, error) {
	if t.finished {
		return chat.Head{}, errEnded
	}
	t.repeats.see(now)
	head, err := t.appHead(app)
	if err != nil {
		return chat.Head{}, fmt.Errorf("lock app %d: %w", app, err)
	}
	head.Groups = make(map[chat.GroupKey]chat.GroupHead, len(groups))
	for _, key := range groups {
		g, ok, err := t.groupHead(key)
		if err != nil {
			return chat.Head{}, fmt.Errorf("lock group %d: %w", key, err)
		}
		if ok {
			head.Groups[key] = g
		}
	}
	head.Repeats = map[chat.RepeatKey]chat.Repeat{}
	for _, key := range keys {
		p, ok, err := t.repeats.find(t.w, key, recent(now))
		if err != nil {
			return chat.Head{}, fmt.Errorf("look up repeats: %w", err)
		}
		if ok {
			head.Repeats[key] = p
		}
	}
	return head, nil
}

// Put writes a batch.
func (t *tx) Put(app chat.AppID, rows *chat.Rows) error {
	if t.finished {
		return errEnded
	}
	for i := range rows.Messages {
		if err := t.w.putMessage(&rows.Messages[i]); err != nil {
			return t.fail("put message", err)
		}
	}
	for i := range rows.Groups {
		if err := t.w.putGroupHead(&rows.Groups[i]); err != nil {
			return t.fail("put group head", err)
		}
	}
	for i := range rows.Events {
		if err := t.w.putEvent(app, &rows.Events[i]); err != nil {
			return t.fail("put event", err)
		}
	}
	if len(rows.Repeats) > 0 {
		if err := t.repeats.put(t.w, &t.added, app, rows.Repeats, rows.Now); err != nil {
			return t.fail("put repeats", err)
		}
	}
	for i := range rows.Progress {
		if err := t.w.putProgress(app, &rows.Progress[i]); err != nil {
			return t.fail("put progress", err)
		}
	}
	for _, s := range rows.Spoken {
		if err := t.w.exec("UPDATE members SET last_msg_time = ?1 WHERE gkey = ?2 AND user = ?3 AND last_msg_time < ?1", s.Time, int64(s.Group), blob(s.User)); err != nil {
			return t.fail("put last words", err)
		}
	}
	for _, r := range rows.Read {
		if err := t.w.exec("UPDATE members SET read_seq = ?1 WHERE gkey = ?2 AND user = ?3 AND app = ?4 AND read_seq < ?1", int64(r.Seq), int64(r.Group), blob(r.User), int64(app)); err != nil {
			return t.fail("put read positions", err)
		}
	}
	if err := t.w.putHead(app, rows); err != nil {
		return t.fail("put app row", err)
	}
	t.note(app, rows)
	return nil
}

// Records gives access to the app's state.
func (t *tx) Records(app chat.AppID) (chat.Records, error) {
	if t.finished {
		return nil, errEnded
	}
	t.changes = true
	return &records{tx: t, w: t.w, app: app}, nil
}

// Commit syncs and ends the transaction.
func (t *tx) Commit() error {
	switch {
	case t.finished:
		return errEnded
	case t.failed != nil:
		return fmt.Errorf("commit after a failed statement: %w", t.failed)
	}
	t.finished = true
	if err := t.w.exec("COMMIT"); err != nil {
		t.store.broken = true
		t.store.heads.forget()
		return fmt.Errorf("commit: %w", err)
	}
	t.store.heads.keep(t)
	t.repeats.commit(&t.added)
	t.store.purging = t.store.purging || t.purging
	t.store.erasing = t.store.erasing || t.erasing
	return nil
}

// Rollback ends the transaction without a trace; after its end it does nothing.
func (t *tx) Rollback() {
	if t.finished {
		return
	}
	t.finished = true
	t.repeats.rollback(&t.added)
	if err := t.w.exec("ROLLBACK"); err == nil {
		return
	}
	// After some errors (a full disk, a failed read) SQLite has rolled back by
	// itself, and there was nothing left to roll back. If there is still a
	// transaction, none can begin within it.
	if err := t.w.exec("BEGIN IMMEDIATE"); err != nil {
		t.store.broken = true
		return
	}
	if err := t.w.exec("ROLLBACK"); err != nil {
		t.store.broken = true
	}
}
