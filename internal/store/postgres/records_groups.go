package postgres

import (
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/chat"
)

func (r *records) Group(id chat.GroupID) (g chat.Group, ok bool, err error) {
	err = r.ask("read a group", selectGroup, func(rows pgx.Rows) (err error) {
		ok = true
		g, err = scanGroup(rows)
		return err
	}, int64(r.app), blob(id))
	return g, ok, err
}

// CreateGroup makes a group without members and messages. It fails when a
// living group has the id.
func (r *records) CreateGroup(g chat.Group) (key chat.GroupKey, err error) {
	const op = "create group"
	err = r.ask(op, `WITH g AS (
			INSERT INTO groups (app, id, type, name, introduction, notification, face_url, owner, apply_join, invite,
			max_members, members, mute_all, create_time, last_info_time, info_seq)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $12, $13, $14, $15)
			ON CONFLICT (app, id) DO NOTHING RETURNING app, key)
		INSERT INTO group_heads (app, gkey, next, time) SELECT app, key, 1, 0 FROM g RETURNING gkey`,
		func(rows pgx.Rows) error { return rows.Scan(&key) },
		int64(r.app), blob(g.ID), blob(g.Type), blob(g.Name), blob(g.Introduction), blob(g.Notification), blob(g.FaceURL), blob(g.Owner),
		blob(g.ApplyJoinOption), blob(g.InviteOption), g.MaxMembers, g.MuteAll, g.CreateTime, g.LastInfoTime, g.InfoSeq)
	if err == nil && key == 0 {
		err = fmt.Errorf("%s: there is a group %q", op, g.ID)
	}
	return key, err
}

func (r *records) UpdateGroup(g chat.Group) error {
	return r.must("update group", `UPDATE groups SET type = $3, name = $4, introduction = $5, notification = $6, face_url = $7, owner = $8,
		apply_join = $9, invite = $10, max_members = $11, mute_all = $12, last_info_time = $13, info_seq = $14 WHERE app = $1 AND key = $2`,
		int64(g.Key), blob(g.Type), blob(g.Name), blob(g.Introduction), blob(g.Notification), blob(g.FaceURL), blob(g.Owner),
		blob(g.ApplyJoinOption), blob(g.InviteOption), g.MaxMembers, g.MuteAll, g.LastInfoTime, g.InfoSeq)
}

// DeleteGroup makes the group unreachable; its messages go later, in slices.
func (r *records) DeleteGroup(key chat.GroupKey) error {
	const op = "delete group"
	if err := r.must(op, "DELETE FROM groups WHERE app = $1 AND key = $2", int64(key)); err != nil {
		return err
	}
	for _, sql := range []string{
		"DELETE FROM group_heads WHERE app = $1 AND gkey = $2",
		"DELETE FROM members WHERE app = $1 AND gkey = $2",
		"DELETE FROM mutes WHERE app = $1 AND gkey = $2",
		"DELETE FROM applications WHERE app = $1 AND gkey = $2",
		"INSERT INTO purges (app, journal, gkey) SELECT app, journal, $2 FROM heads WHERE app = $1",
	} {
		if err := r.do(op, sql, int64(key)); err != nil {
			return err
		}
	}
	return nil
}

func (r *records) CountGroups() (n int64, err error) {
	err = r.ask("count groups", "SELECT count(*) FROM groups WHERE app = $1", func(rows pgx.Rows) error { return rows.Scan(&n) }, int64(r.app))
	return n, err
}

func (r *records) Member(g chat.GroupKey, user chat.UserID) (m chat.Member, ok bool, err error) {
	err = r.ask("read a member", selectMember, func(rows pgx.Rows) (err error) {
		ok = true
		m, err = scanMember(rows)
		return err
	}, int64(r.app), int64(g), blob(user))
	return m, ok, err
}

// PutMember makes or replaces a membership. A replaced one keeps its place in
// the order of joining. MuteUntil is not taken from it.
func (r *records) PutMember(g chat.GroupKey, m chat.Member) error {
	const op = "put member"
	if err := r.do(op, `UPDATE groups SET members = members + 1 WHERE app = $1 AND key = $2
		AND NOT EXISTS (SELECT 1 FROM members WHERE app = $1 AND gkey = $2 AND account = $3)`, int64(g), blob(m.User)); err != nil {
		return err
	}
	return r.must(op, `INSERT INTO members (app, gkey, account, role, join_time, read_seq, msg_flag, name_card, last_msg_time, join_seq)
		SELECT app, key, $3, $4, $5, $6, $7, $8, $9, $10 FROM groups WHERE app = $1 AND key = $2
		ON CONFLICT (app, gkey, account) DO UPDATE SET role = excluded.role, join_time = excluded.join_time, read_seq = excluded.read_seq,
		msg_flag = excluded.msg_flag, name_card = excluded.name_card, last_msg_time = excluded.last_msg_time, join_seq = excluded.join_seq`,
		int64(g), blob(m.User), blob(m.Role), m.JoinTime, int64(m.ReadSeq), blob(m.MsgFlag), blob(m.NameCard), m.LastMsgTime, int64(m.JoinSeq))
}

func (r *records) DeleteMember(g chat.GroupKey, user chat.UserID) error {
	const op = "delete member"
	if err := r.do(op, `UPDATE groups SET members = members - 1 WHERE app = $1 AND key = $2
		AND EXISTS (SELECT 1 FROM members WHERE app = $1 AND gkey = $2 AND account = $3)`, int64(g), blob(user)); err != nil {
		return err
	}
	return r.do(op, "DELETE FROM members WHERE app = $1 AND gkey = $2 AND account = $3", int64(g), blob(user))
}

func (r *records) Joined(user chat.UserID) (list []chat.Membership, err error) {
	err = r.ask("list joined groups", selectJoined, func(rows pgx.Rows) error {
		m, err := scanMembership(rows)
		list = append(list, m)
		return err
	}, int64(r.app), blob(user))
	return list, err
}

func (r *records) CountJoined(user chat.UserID) (n int64, err error) {
	err = r.ask("count joined groups", "SELECT count(*) FROM members WHERE app = $1 AND account = $2",
		func(rows pgx.Rows) error { return rows.Scan(&n) }, int64(r.app), blob(user))
	return n, err
}

// PutMute mutes user in the group, a member or not, or with 0 ends the mute.
func (r *records) PutMute(g chat.GroupKey, user chat.UserID, until int64) error {
	if until == 0 {
		return r.do("end mute", "DELETE FROM mutes WHERE app = $1 AND gkey = $2 AND account = $3", int64(g), blob(user))
	}
	return r.must("put mute", `INSERT INTO mutes (app, gkey, account, until) SELECT app, key, $3, $4 FROM groups WHERE app = $1 AND key = $2
		ON CONFLICT (app, gkey, account) DO UPDATE SET until = excluded.until`, int64(g), blob(user), until)
}

func (r *records) Messages(g chat.GroupKey, newest chat.MsgSeq, limit int) (list []chat.Message, err error) {
	err = r.ask("list messages", selectMessages, func(rows pgx.Rows) error {
		m, err := scanMessage(rows, g)
		list = append(list, m)
		return err
	}, int64(r.app), int64(g), int64(min(newest, 1<<63-1)), int64(limit))
	return list, err
}

// RecallMessage marks a message as taken back; one that is not there is not an error.
func (r *records) RecallMessage(g chat.GroupKey, seq chat.MsgSeq) error {
	return r.do("recall message", `UPDATE messages SET flags = flags | $4 WHERE app = $1 AND gkey = $2 AND seq = $3
		AND EXISTS (SELECT 1 FROM groups WHERE app = $1 AND key = $2)`, int64(g), int64(seq), int64(chat.FlagRecalled))
}
