package sqlite

import (
	"errors"
	"fmt"

	"github.com/parley-im/parley/internal/chat"
)

func (r *records) Group(id chat.GroupID) (chat.Group, bool, error) { return r.w.group(r.app, id) }

// CreateGroup makes a group without members and messages. It fails when a
// living group has the id.
func (r *records) CreateGroup(g chat.Group) (chat.GroupKey, error) {
	const op = "create group"
	var key chat.GroupKey
	ok, err := r.w.one(row(&key), `INSERT INTO groups (app, id, type, name, introduction, notification, face_url, owner, apply_join, invite,
		max_members, members, mute_all, create_time, last_info_time, info_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING RETURNING key`,
		int64(r.app), blob(g.ID), blob(g.Type), blob(g.Name), blob(g.Introduction), blob(g.Notification), blob(g.FaceURL), blob(g.Owner),
		blob(g.ApplyJoinOption), blob(g.InviteOption), g.MaxMembers, g.MuteAll, g.CreateTime, g.LastInfoTime, g.InfoSeq)
	if err == nil && !ok {
		err = fmt.Errorf("there is a group %q", g.ID)
	}
	if err != nil {
		return 0, r.tx.fail(op, err)
	}
	return key, r.tx.fail(op, r.w.exec("INSERT INTO group_heads (gkey, next, time) VALUES (?, 1, 0)", int64(key)))
}

func (r *records) UpdateGroup(g chat.Group) error {
	return r.mustChange("update group", `UPDATE groups SET type = ?, name = ?, introduction = ?, notification = ?, face_url = ?, owner = ?,
		apply_join = ?, invite = ?, max_members = ?, mute_all = ?, last_info_time = ?, info_seq = ? WHERE key = ? AND app = ?`,
		blob(g.Type), blob(g.Name), blob(g.Introduction), blob(g.Notification), blob(g.FaceURL), blob(g.Owner),
		blob(g.ApplyJoinOption), blob(g.InviteOption), g.MaxMembers, g.MuteAll, g.LastInfoTime, g.InfoSeq, int64(g.Key), int64(r.app))
}

// DeleteGroup makes the group unreachable; its messages go later, in slices.
func (r *records) DeleteGroup(key chat.GroupKey) error {
	const op = "delete group"
	if err := r.mustChange(op, "DELETE FROM groups WHERE key = ? AND app = ?", int64(key), int64(r.app)); err != nil {
		return err
	}
	r.tx.purging = true
	return r.tx.fail(op, errors.Join(
		r.w.exec("DELETE FROM group_heads WHERE gkey = ?", int64(key)),
		r.w.exec("DELETE FROM members WHERE gkey = ?", int64(key)),
		r.w.exec("DELETE FROM mutes WHERE gkey = ?", int64(key)),
		r.w.exec("DELETE FROM applications WHERE gkey = ?", int64(key)),
		r.w.exec("INSERT INTO purges (gkey) VALUES (?)", int64(key))))
}

func (r *records) CountGroups() (n int64, err error) {
	_, err = r.w.one(row(&n), "SELECT count(*) FROM groups WHERE app = ?", int64(r.app))
	return n, err
}

func (r *records) Member(g chat.GroupKey, user chat.UserID) (chat.Member, bool, error) {
	return r.w.member(r.app, g, user)
}

// PutMember makes or replaces a membership. A replaced one keeps its place in
// the order of joining. MuteUntil is not taken from it.
func (r *records) PutMember(g chat.GroupKey, m chat.Member) error {
	const op = "put member"
	n, err := r.w.change(`UPDATE members SET role = ?, join_time = ?, read_seq = ?, msg_flag = ?, name_card = ?, last_msg_time = ?, join_seq = ?
		WHERE gkey = ? AND user = ? AND app = ?`,
		blob(m.Role), m.JoinTime, int64(m.ReadSeq), blob(m.MsgFlag), blob(m.NameCard), m.LastMsgTime, int64(m.JoinSeq), int64(g), blob(m.User), int64(r.app))
	if err != nil || n > 0 {
		return r.tx.fail(op, err)
	}
	if err := r.mustChange(op, "UPDATE groups SET members = members + 1 WHERE key = ? AND app = ?", int64(g), int64(r.app)); err != nil {
		return err
	}
	return r.tx.fail(op, r.w.exec(`INSERT INTO members (app, gkey, user, role, join_time, read_seq, msg_flag, name_card, last_msg_time, join_seq)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(r.app), int64(g), blob(m.User), blob(m.Role), m.JoinTime, int64(m.ReadSeq), blob(m.MsgFlag), blob(m.NameCard), m.LastMsgTime, int64(m.JoinSeq)))
}

func (r *records) DeleteMember(g chat.GroupKey, user chat.UserID) error {
	const op = "delete member"
	n, err := r.w.change("DELETE FROM members WHERE gkey = ? AND user = ? AND app = ?", int64(g), blob(user), int64(r.app))
	if err != nil || n == 0 {
		return r.tx.fail(op, err)
	}
	return r.mustChange(op, "UPDATE groups SET members = members - 1 WHERE key = ? AND app = ?", int64(g), int64(r.app))
}

func (r *records) Joined(user chat.UserID) ([]chat.Membership, error) { return r.w.joined(r.app, user) }

func (r *records) CountJoined(user chat.UserID) (n int64, err error) {
	_, err = r.w.one(row(&n), "SELECT count(*) FROM members WHERE app = ? AND user = ?", int64(r.app), blob(user))
	return n, err
}

// PutMute mutes user in the group, a member or not, or with 0 ends the mute.
func (r *records) PutMute(g chat.GroupKey, user chat.UserID, until int64) error {
	if until == 0 {
		return r.run("end mute", []any{int64(g), blob(user)}, "DELETE FROM mutes WHERE app = ?1 AND gkey = ?2 AND user = ?3")
	}
	return r.mustChange("put mute", `INSERT INTO mutes (gkey, user, app, until) SELECT key, ?3, app, ?4 FROM groups WHERE key = ?2 AND app = ?1
		ON CONFLICT DO UPDATE SET until = excluded.until`, int64(r.app), int64(g), blob(user), until)
}

func (r *records) Messages(g chat.GroupKey, newest chat.MsgSeq, limit int) ([]chat.Message, error) {
	return r.w.messages(r.app, g, newest, limit)
}

// RecallMessage marks a message as taken back; one that is not there is not an error.
func (r *records) RecallMessage(g chat.GroupKey, seq chat.MsgSeq) error {
	return r.run("recall message", []any{int64(g), int64(seq), int64(chat.FlagRecalled)},
		`UPDATE messages SET flags = flags | ?4 WHERE gkey = ?2 AND seq = ?3
		AND EXISTS (SELECT 1 FROM groups WHERE key = ?2 AND app = ?1)`)
}
