package postgres

import (
	"github.com/parley-im/parley/internal/chat"
)

// Statements that change several rows look for each of them by its whole key in
// a LATERAL subquery that OFFSET 0 keeps apart: a plain join may be planned, while
// the table is small, to go through all rows of the app. The rows stay where they
// are meanwhile, because nobody else changes them without the app's row.

func (t *tx) putMessages(list []chat.Message) {
	if len(list) == 0 {
		return
	}
	type m = chat.Message
	t.queue("put messages", -1, `INSERT INTO messages (app, gkey, seq, sender, random, time, priority, flags, body, cloud, attempt, extra, version)
		SELECT $1, v.*, $13 FROM unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bigint[], $7::smallint[], $8::bigint[],
			$9::bytea[], $10::bytea[], $11::uuid[], $12::bytea[]) v`,
		int64(t.app),
		column(list, func(m *m) int64 { return int64(m.Group) }),
		column(list, func(m *m) int64 { return int64(m.Seq) }),
		column(list, func(m *m) []byte { return blob(m.From) }),
		column(list, func(m *m) int64 { return int64(m.Random) }),
		column(list, func(m *m) int64 { return m.Time }),
		column(list, func(m *m) int16 { return int16(m.Priority) }),
		column(list, func(m *m) int64 { return int64(m.Flags) }),
		column(list, func(m *m) []byte { return blob(m.Body) }),
		column(list, func(m *m) []byte { return blob(m.Cloud) }),
		column(list, func(m *m) [16]byte { return m.Attempt }),
		column(list, func(m *m) []byte { return blob(m.Extra()) }), int64(t.version))
}

func (t *tx) putGroupHeads(list []chat.GroupHead) {
	if len(list) == 0 {
		return
	}
	type g = chat.GroupHead
	t.queue("put group heads", -1, `UPDATE group_heads h SET next = v.next, time = v.time
		FROM (SELECT x.at, u.next, u.time FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) u(gkey, next, time),
			LATERAL (SELECT ctid AS at FROM group_heads WHERE app = $1 AND gkey = u.gkey OFFSET 0) x) v
		WHERE h.ctid = v.at`,
		int64(t.app),
		column(list, func(g *g) int64 { return int64(g.Key) }),
		column(list, func(g *g) int64 { return int64(g.Next) }),
		column(list, func(g *g) int64 { return g.Time }))
}

const eventColumns = "seq, id, attempt, command, time, client_ip, platform, code, grp, sender, random, rule, body, detail, count, cut"

func (t *tx) putEvents(list []chat.Event) {
	if len(list) == 0 {
		return
	}
	type e = chat.Event
	t.queue("put events", -1, `INSERT INTO events (app, journal, `+eventColumns+`)
		SELECT $1, $2, * FROM unnest($3::bigint[], $4::uuid[], $5::uuid[], $6::bytea[], $7::bigint[], $8::bytea[], $9::bytea[], $10::integer[],
			$11::bytea[], $12::bytea[], $13::bigint[], $14::bytea[], $15::bytea[], $16::bytea[], $17::bigint[], $18::bigint[])`,
		int64(t.app), t.journal,
		column(list, func(e *e) int64 { return int64(e.Seq) }),
		column(list, func(e *e) [16]byte { return e.ID }),
		column(list, func(e *e) [16]byte { return e.Attempt }),
		column(list, func(e *e) []byte { return blob(e.Command) }),
		column(list, func(e *e) int64 { return e.Time }),
		column(list, func(e *e) []byte { return blob(e.ClientIP) }),
		column(list, func(e *e) []byte { return blob(e.Platform) }),
		column(list, func(e *e) int32 { return int32(e.Code) }),
		column(list, func(e *e) []byte { return blob(e.Group) }),
		column(list, func(e *e) []byte { return blob(e.From) }),
		column(list, func(e *e) int64 { return int64(e.Random) }),
		column(list, func(e *e) []byte { return blob(e.Rule) }),
		column(list, func(e *e) []byte { return blob(e.Body) }),
		column(list, func(e *e) []byte { return blob(e.Detail) }),
		column(list, func(e *e) int64 { return int64(e.Count) }),
		column(list, func(e *e) int64 { return int64(e.Cut) }))
}

// putRepeats writes into the table whose turn it is by the database's clock: all processes agree
// about which one is to be emptied next.
func (t *tx) putRepeats(list []chat.Repeat) {
	if len(list) == 0 {
		return
	}
	type r = chat.Repeat
	t.queue("put repeats", -1, insertRepeats[t.slot],
		int64(t.app), t.journal,
		column(list, func(r *r) [16]byte { return r.Key }),
		column(list, func(r *r) [16]byte { return r.Attempt }),
		column(list, func(r *r) int64 { return int64(r.Seq) }),
		column(list, func(r *r) int64 { return r.Time }))
}

func (t *tx) putSpoken(list []chat.Spoken) {
	type s = chat.Spoken
	t.raise("put last words", "last_msg_time", column(list, func(s *s) int64 { return int64(s.Group) }),
		column(list, func(s *s) []byte { return blob(s.User) }), column(list, func(s *s) int64 { return s.Time }))
}

func (t *tx) putRead(list []chat.Read) {
	type r = chat.Read
	t.raise("put read positions", "read_seq", column(list, func(r *r) int64 { return int64(r.Group) }),
		column(list, func(r *r) []byte { return blob(r.User) }), column(list, func(r *r) int64 { return int64(r.Seq) }))
}

// raise writes values of a column of members where they are above what is there.
func (t *tx) raise(what, column string, groups []int64, users [][]byte, values []int64) {
	if len(groups) == 0 {
		return
	}
	t.queue(what, -1, `UPDATE members m SET `+column+` = v.value
		FROM (SELECT x.at, u.value FROM unnest($2::bigint[], $3::bytea[], $4::bigint[]) u(gkey, account, value),
			LATERAL (SELECT ctid AS at FROM members WHERE app = $1 AND gkey = u.gkey AND account = u.account AND `+column+` < u.value OFFSET 0) x) v
		WHERE m.ctid = v.at`, int64(t.app), groups, users, values)
}
