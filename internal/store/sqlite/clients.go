package sqlite

import (
	"context"

	"github.com/parley-im/parley/internal/chat"
)

// GroupHeads reads the number that the next message of each of the groups gets.
func (s *Store) GroupHeads(ctx context.Context, app chat.AppID, groups []chat.GroupKey) (map[chat.GroupKey]chat.MsgSeq, error) {
	heads := make(map[chat.GroupKey]chat.MsgSeq, len(groups))
	const chunk = 256 // of one turn with a reader
	for len(groups) > 0 {
		n := min(len(groups), chunk)
		err := s.read(ctx, func(c *session) error {
			for _, key := range groups[:n] {
				var next chat.MsgSeq
				ok, err := c.one(row(&next), "SELECT h.next FROM group_heads h JOIN groups g ON g.key = h.gkey WHERE h.gkey = ? AND g.app = ?", int64(key), int64(app))
				if err != nil {
					return err
				}
				if ok {
					heads[key] = next
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		groups = groups[n:]
	}
	return heads, nil
}

// Unread counts what user has not read, up to limit.
func (s *Store) Unread(ctx context.Context, app chat.AppID, g chat.GroupKey, user chat.UserID, after chat.MsgSeq, limit int) (n int, err error) {
	err = s.read(ctx, func(c *session) error {
		_, err := c.one(row(&n), `SELECT count(*) FROM (SELECT 1 FROM messages WHERE gkey = ?1 AND seq > ?2 AND sender <> ?3 AND flags & ?4 = 0
			AND EXISTS (SELECT 1 FROM groups WHERE key = ?1 AND app = ?5) LIMIT ?6)`,
			int64(g), int64(min(after, 1<<63-1)), blob(user), int64(chat.FlagNoUnread|chat.FlagRecalled|chat.FlagErased|chat.FlagTargeted), int64(app), int64(limit))
		return err
	})
	return n, err
}

func (c *session) applications(query string, args ...any) (list []chat.Application, err error) {
	err = c.each(func(scan scanner) error {
		var a chat.Application
		err := scan(&a.Group, &a.User, &a.Text, &a.Time)
		list = append(list, a)
		return err
	}, "SELECT gkey, user, text, time FROM applications WHERE "+query, args...)
	return list, err
}

// Applications lists who asks to be let into a group, oldest first.
func (s *Store) Applications(ctx context.Context, app chat.AppID, g chat.GroupKey, limit int) (list []chat.Application, err error) {
	err = s.read(ctx, func(c *session) (err error) {
		list, err = c.applications("gkey = ? AND app = ? ORDER BY ord LIMIT ?", int64(g), int64(app), int64(limit))
		return err
	})
	return list, err
}

func (r *records) Application(g chat.GroupKey, user chat.UserID) (a chat.Application, ok bool, err error) {
	list, err := r.w.applications("gkey = ? AND user = ? AND app = ?", int64(g), blob(user), int64(r.app))
	if err != nil || len(list) == 0 {
		return a, false, err
	}
	return list[0], true, nil
}

// PutApplication makes or replaces an application, which keeps its place.
func (r *records) PutApplication(a chat.Application) error {
	return r.mustChange("put application", `INSERT INTO applications (app, gkey, user, text, time) SELECT app, key, ?3, ?4, ?5 FROM groups WHERE key = ?2 AND app = ?1
		ON CONFLICT DO UPDATE SET text = excluded.text, time = excluded.time`, int64(r.app), int64(a.Group), blob(a.User), blob(a.Text), a.Time)
}

func (r *records) DeleteApplication(g chat.GroupKey, user chat.UserID) error {
	return r.run("delete application", []any{int64(g), blob(user)}, "DELETE FROM applications WHERE app = ?1 AND gkey = ?2 AND user = ?3")
}

func (r *records) CountApplications(g chat.GroupKey) (n int64, err error) {
	_, err = r.w.one(row(&n), "SELECT count(*) FROM applications WHERE gkey = ? AND app = ?", int64(g), int64(r.app))
	return n, err
}
