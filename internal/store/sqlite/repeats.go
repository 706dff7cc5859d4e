package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// tables is how many minutes of repeats there are: the six that five minutes
// can touch, and one that is being emptied.
const tables = 7

// recordSize is a repeat in a row's body: key, attempt, message number, time.
const recordSize = 16 + 16 + 8 + 8

// repeats remembers the accepted sends of the last five minutes.
//
// On disk a batch is one row in the table of its minute: the records one after
// the other. In memory a locator finds the row for a key. When its memory is
// used up, further records are written a second time, into an indexed table of
// the minute that is then asked for every key. The locator is filled after the
// commit; before, the places are only reserved.
//
// A table is used again when its minute returns, after seven. Until then
// Maintain has emptied it in slices; if not, it is emptied whole. Minutes come
// from the caller's clock and never go back: should the clock fall, the newest
// minute is used until it has caught up.
type repeats struct {
	mu      sync.RWMutex
	locator locator
	minutes [tables]minute
	newest  int64 // the newest minute of a committed batch
	now     int64 // the newest time seen, unix seconds
}

// minute is one of the tables.
type minute struct {
	number  int64  // unix time / 60
	last    uint32 // the newest row
	until   int64  // the newest time in it, unix seconds
	chain   chain
	indexed bool   // the indexed table has records
	stale   bool   // what the table holds is to be deleted before it is written
	filled  bool   // the table has rows
	gone    uint32 // rows up to this one are deleted
}

// remembered is what a transaction has added so far.
type remembered struct {
	slots   []*uint32
	rows    []uint32
	touched [tables]bool
	cleaned [tables]bool
	before  [tables]uint32 // last row before the transaction
	newest  int64
}

// place is where a key may be: a row of a minute's table, or, as row 0, its
// indexed table.
type place struct {
	table int
	row   uint32
}

// The statements of each table.
var (
	insertRepeats, selectRepeats, deleteRepeats, trimRepeats, pageRepeats, lastRepeats [tables]string
	insertIndexed, selectIndexed, deleteIndexed, trimIndexed, existsIndexed            [tables]string
	deleteRepeatsOfApp, deleteIndexedOfApp                                             [tables]string
)

func init() {
	for i := range tables {
		t, x := fmt.Sprintf("repeats_%d", i), fmt.Sprintf("repeats_x_%d", i)
		insertRepeats[i] = "INSERT INTO " + t + " (id, minute, app, body) VALUES (?, ?, ?, ?)"
		selectRepeats[i] = "SELECT body FROM " + t + " WHERE id = ?"
		deleteRepeats[i] = "DELETE FROM " + t
		trimRepeats[i] = "DELETE FROM " + t + " WHERE id <= ?"
		pageRepeats[i] = "SELECT id, app, body FROM " + t + " WHERE id > ? ORDER BY id LIMIT 64"
		lastRepeats[i] = "SELECT minute, id, (SELECT min(id) FROM " + t + ") FROM " + t + " ORDER BY id DESC LIMIT 1"
		deleteRepeatsOfApp[i] = "DELETE FROM " + t + " WHERE app = ?"
		insertIndexed[i] = "INSERT INTO " + x + " (key, attempt, app, seq, time) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
		selectIndexed[i] = "SELECT attempt, seq, time FROM " + x + " WHERE key = ?"
		deleteIndexed[i] = "DELETE FROM " + x
		trimIndexed[i] = "DELETE FROM " + x + " WHERE key IN (SELECT key FROM " + x + " ORDER BY key LIMIT 100)"
		existsIndexed[i] = "SELECT EXISTS (SELECT 1 FROM " + x + ")"
		deleteIndexedOfApp[i] = "DELETE FROM " + x + " WHERE app = ?"
	}
}

func newRepeats(memory int) *repeats {
	r := &repeats{locator: locator{seed: maphash.MakeSeed(), left: memory}}
	for i := range r.minutes {
		r.minutes[i].number = -1
	}
	return r
}

func appendRecord(body []byte, p *chat.Repeat) []byte {
	body = append(body, p.Key[:]...)
	body = append(body, p.Attempt[:]...)
	body = binary.BigEndian.AppendUint64(body, uint64(p.Seq))
	return binary.BigEndian.AppendUint64(body, uint64(p.Time))
}

func readRecord(b []byte) (p chat.Repeat) {
	copy(p.Key[:], b)
	copy(p.Attempt[:], b[16:])
	p.Seq = chat.MsgSeq(binary.BigEndian.Uint64(b[32:]))
	p.Time = int64(binary.BigEndian.Uint64(b[40:]))
	return p
}

// see notes the caller's clock.
func (r *repeats) see(now int64) {
	r.mu.Lock()
	r.now = max(r.now, now)
	r.mu.Unlock()
}

// put writes the records of one app as one row, at the time now.
func (r *repeats) put(w *session, tx *remembered, app chat.AppID, list []chat.Repeat, now int64) error {
	number := max(now/60, r.newest, tx.newest, 0)
	i := int(number % tables)
	m := &r.minutes[i]
	if !tx.touched[i] {
		tx.touched[i] = true
		if m.number != number {
			r.mu.Lock()
			r.locator.drop(&m.chain)
			*m = minute{number: number, stale: m.stale || m.filled}
			r.mu.Unlock()
		}
		tx.before[i] = m.last
	}
	tx.newest = number
	if m.stale && !tx.cleaned[i] {
		if err := errors.Join(w.exec(deleteRepeats[i]), w.exec(deleteIndexed[i])); err != nil {
			return err
		}
		tx.cleaned[i] = true
	}
	m.last++
	body := make([]byte, 0, len(list)*recordSize)
	for j := range list {
		body = appendRecord(body, &list[j])
	}
	if err := w.exec(insertRepeats[i], int64(m.last), number, int64(app), body); err != nil {
		return err
	}
	for _, p := range r.reserve(m, tx, list, now) {
		if err := w.exec(insertIndexed[i], p.Key[:], p.Attempt[:], int64(app), int64(p.Seq), p.Time); err != nil {
			return err
		}
	}
	return nil
}

// reserve takes places for the records and returns those without one.
func (r *repeats) reserve(m *minute, tx *remembered, list []chat.Repeat, now int64) (rest []*chat.Repeat) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.until = max(m.until, now)
	for j := range list {
		m.until = max(m.until, list[j].Time)
		var slot *uint32
		if m.last <= maxRow {
			slot = r.locator.reserve(&m.chain, r.locator.hash(&list[j].Key))
		}
		if slot == nil {
			rest = append(rest, &list[j])
			continue
		}
		tx.slots, tx.rows = append(tx.slots, slot), append(tx.rows, m.last)
	}
	m.indexed = m.indexed || len(rest) > 0
	return rest
}

// commit makes what the transaction added findable.
func (r *repeats) commit(tx *remembered) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, slot := range tx.slots {
		*slot |= tx.rows[i]
	}
	for i := range r.minutes {
		if tx.touched[i] {
			m := &r.minutes[i]
			m.filled = true
			m.stale = false
		}
	}
	r.newest = max(r.newest, tx.newest)
}

// rollback forgets what the transaction added.
func (r *repeats) rollback(tx *remembered) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, slot := range tx.slots {
		*slot = 0
	}
	for i := range r.minutes {
		if tx.touched[i] {
			r.minutes[i].last = tx.before[i]
		}
	}
}

// places lists where a key may be, newest minute first.
func (r *repeats) places(key *chat.RepeatKey, to []place) []place {
	h := r.locator.hash(key)
	var buffer [16]uint32
	r.mu.RLock()
	defer r.mu.RUnlock()
	for number := r.newest; number > r.newest-tables && number >= 0; number-- {
		i := int(number % tables)
		m := &r.minutes[i]
		if m.number != number {
			continue
		}
		for _, id := range m.chain.rows(h, buffer[:0]) {
			to = append(to, place{i, id})
		}
		if m.indexed {
			to = append(to, place{table: i})
		}
	}
	return to
}

// find looks for a record of the key that is wanted, newest minute first.
func (r *repeats) find(c *session, key chat.RepeatKey, wanted func(*chat.Repeat) bool) (found chat.Repeat, ok bool, err error) {
	var buffer [16]place
	for _, at := range r.places(&key, buffer[:0]) {
		look := func(p chat.Repeat) {
			if !ok && p.Key == key && wanted(&p) {
				found, ok = p, true
			}
		}
		if at.row == 0 {
			err = c.each(func(scan scanner) error {
				p := chat.Repeat{Key: key}
				err := scan((*id16)(&p.Attempt), &p.Seq, &p.Time)
				look(p)
				return err
			}, selectIndexed[at.table], key[:])
		} else {
			var body []byte
			_, err = c.one(row(&body), selectRepeats[at.table], int64(at.row))
			for ; len(body) >= recordSize; body = body[recordSize:] {
				look(readRecord(body))
			}
		}
		if ok || err != nil {
			return found, ok, err
		}
	}
	return found, false, nil
}

// recent accepts the records that are not older than the window.
func recent(now int64) func(*chat.Repeat) bool {
	return func(p *chat.Repeat) bool { return now-p.Time <= chat.RepeatWindow }
}

// expired says whether a table holds only records older than the window.
func (r *repeats) expired() bool { return r.oldest() >= 0 }

func (r *repeats) oldest() int {
	for i := range r.minutes {
		m := &r.minutes[i]
		if m.filled && m.until+chat.RepeatWindow < r.now {
			return i
		}
	}
	return -1
}

// shrink empties an expired table in slices, until the deadline. Its part of
// the memory is given up at once.
func (r *repeats) shrink(w *session, deadline time.Time) (err error) {
	const slice = 16 // rows: up to 16 × 256 records, some 200 KB
	i := r.oldest()
	if i < 0 {
		return nil
	}
	m := &r.minutes[i]
	before := m.gone
	defer func() {
		if err != nil {
			m.gone = before
		}
	}()
	r.mu.Lock()
	r.locator.drop(&m.chain)
	r.mu.Unlock()
	for time.Now().Before(deadline) {
		if m.gone < m.last {
			m.gone = min(m.gone+slice, m.last)
			if err := w.exec(trimRepeats[i], int64(m.gone)); err != nil {
				return err
			}
			continue
		}
		n, err := w.change(trimIndexed[i])
		if err != nil {
			return err
		}
		if n == 0 {
			r.mu.Lock()
			m.filled, m.indexed = false, false
			r.mu.Unlock()
			return nil
		}
	}
	return nil
}

// forget deletes the records of an app.
func (r *repeats) forget(w *session, app chat.AppID) error {
	for i := range tables {
		if err := errors.Join(w.exec(deleteRepeatsOfApp[i], int64(app)), w.exec(deleteIndexedOfApp[i], int64(app))); err != nil {
			return err
		}
	}
	return nil
}

// load fills the locator from the tables, newest minute first, at the start.
func (r *repeats) load(w *session) error {
	var numbers []int64
	for i := range r.minutes {
		m := &r.minutes[i]
		var first int64
		ok, err := w.one(row(&m.number, &m.last, &first), lastRepeats[i])
		if err != nil {
			return err
		}
		if ok {
			m.filled, m.gone = true, uint32(first-1)
			m.until = m.number*60 + 59
			r.newest = max(r.newest, m.number)
			numbers = append(numbers, m.number)
		}
		if _, err := w.one(row(&m.indexed), existsIndexed[i]); err != nil {
			return err
		}
		m.stale = !ok && m.indexed
	}
	slices.Sort(numbers)
	slices.Reverse(numbers)
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, number := range numbers {
		if number <= r.newest-tables {
			break
		}
		if err := r.loadMinute(w, int(number%tables)); err != nil {
			return errors.Join(err, w.exec("ROLLBACK"))
		}
	}
	return w.exec("COMMIT")
}

func (r *repeats) loadMinute(w *session, i int) error {
	m := &r.minutes[i]
	type page struct {
		id   uint32
		app  int64
		body []byte
	}
	for after := uint32(0); ; {
		var rows []page
		err := w.each(func(scan scanner) error {
			var p page
			err := scan(&p.id, &p.app, &p.body)
			rows = append(rows, p)
			return err
		}, pageRepeats[i], int64(after))
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, p := range rows {
			after = p.id
			for ; len(p.body) >= recordSize; p.body = p.body[recordSize:] {
				record := readRecord(p.body)
				m.until = max(m.until, record.Time)
				if p.id <= maxRow {
					if slot := r.locator.reserve(&m.chain, r.locator.hash(&record.Key)); slot != nil {
						*slot |= p.id
						continue
					}
				}
				m.indexed = true
				if err := w.exec(insertIndexed[i], record.Key[:], record.Attempt[:], p.app, int64(record.Seq), record.Time); err != nil {
					return err
				}
			}
		}
	}
}
