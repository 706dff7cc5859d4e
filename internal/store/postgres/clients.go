package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/chat"
)

const selectGroupHeads = `SELECT u.gkey, x.next FROM unnest($2::bigint[]) u(gkey),
	LATERAL (SELECT next FROM group_heads WHERE app = $1 AND gkey = u.gkey OFFSET 0) x`

// GroupHeads reads the number that the next message of each of the groups gets.
func (s *Store) GroupHeads(ctx context.Context, app chat.AppID, groups []chat.GroupKey) (map[chat.GroupKey]chat.MsgSeq, error) {
	heads := make(map[chat.GroupKey]chat.MsgSeq, len(groups))
	const chunk = 1000 // of one question
	for len(groups) > 0 {
		n := min(len(groups), chunk)
		err := s.query(ctx, "read heads of groups", selectGroupHeads, func(r pgx.Rows) error {
			var key chat.GroupKey
			var next chat.MsgSeq
			err := r.Scan(&key, &next)
			heads[key] = next
			return err
		}, int64(app), numbers(groups[:n]))
		if err != nil {
			return nil, err
		}
		groups = groups[n:]
	}
	return heads, nil
}

const selectUnread = `SELECT count(*) FROM (SELECT 1 FROM messages WHERE app = $1 AND gkey = $2 AND seq > $3 AND sender <> $4 AND flags & $5 = 0
	AND EXISTS (SELECT 1 FROM groups WHERE app = $1 AND key = $2) ORDER BY seq LIMIT $6) m`

// Unread counts what user has not read, up to limit.
func (s *Store) Unread(ctx context.Context, app chat.AppID, g chat.GroupKey, user chat.UserID, after chat.MsgSeq, limit int) (n int, err error) {
	err = s.query(ctx, "count unread messages", selectUnread, func(r pgx.Rows) error { return r.Scan(&n) },
		int64(app), int64(g), int64(min(after, 1<<63-1)), blob(user), int64(chat.FlagNoUnread|chat.FlagRecalled|chat.FlagErased|chat.FlagTargeted), int64(limit))
	return n, err
}

const selectApplications = "SELECT gkey, account, text, time FROM applications WHERE app = $1 AND gkey = $2"

func scanApplication(r pgx.Rows) (a chat.Application, err error) {
	err = r.Scan(&a.Group, str(&a.User), str(&a.Text), &a.Time)
	return a, err
}

// Applications lists who asks to be let into a group, oldest first.
func (s *Store) Applications(ctx context.Context, app chat.AppID, g chat.GroupKey, limit int) (list []chat.Application, err error) {
	err = s.query(ctx, "list applications", selectApplications+" ORDER BY ord LIMIT $3", func(r pgx.Rows) error {
		a, err := scanApplication(r)
		list = append(list, a)
		return err
	}, int64(app), int64(g), int64(limit))
	return list, err
}

func (r *records) Application(g chat.GroupKey, user chat.UserID) (a chat.Application, ok bool, err error) {
	err = r.ask("read an application", selectApplications+" AND account = $3", func(rows pgx.Rows) (err error) {
		ok = true
		a, err = scanApplication(rows)
		return err
	}, int64(r.app), int64(g), blob(user))
	return a, ok, err
}

// PutApplication makes or replaces an application, which keeps its place.
func (r *records) PutApplication(a chat.Application) error {
	return r.must("put application", `INSERT INTO applications (app, gkey, account, text, time) SELECT app, key, $3, $4, $5 FROM groups WHERE app = $1 AND key = $2
		ON CONFLICT (app, gkey, account) DO UPDATE SET text = excluded.text, time = excluded.time`, int64(a.Group), blob(a.User), blob(a.Text), a.Time)
}

func (r *records) DeleteApplication(g chat.GroupKey, user chat.UserID) error {
	return r.do("delete application", "DELETE FROM applications WHERE app = $1 AND gkey = $2 AND account = $3", int64(g), blob(user))
}

func (r *records) CountApplications(g chat.GroupKey) (n int64, err error) {
	err = r.ask("count applications", "SELECT count(*) FROM applications WHERE app = $1 AND gkey = $2",
		func(rows pgx.Rows) error { return rows.Scan(&n) }, int64(r.app), int64(g))
	return n, err
}
