package sqlite

import (
	"context"
	"slices"

	"github.com/parley-im/parley/internal/chat"
)

const groupColumns = `g.key, g.id, g.type, g.name, g.introduction, g.notification, g.face_url, g.owner, g.apply_join, g.invite,
	g.max_members, g.members, g.mute_all, g.create_time, g.last_info_time, g.info_seq, h.time, h.next`

func groupFields(g *chat.Group) []any {
	return []any{&g.Key, &g.ID, &g.Type, &g.Name, &g.Introduction, &g.Notification, &g.FaceURL, &g.Owner, &g.ApplyJoinOption, &g.InviteOption,
		&g.MaxMembers, &g.Members, &g.MuteAll, &g.CreateTime, &g.LastInfoTime, &g.InfoSeq, &g.LastMsgTime, &g.NextMsgSeq}
}

func scanGroup(scan scanner) (g chat.Group, err error) {
	err = scan(groupFields(&g)...)
	return g, err
}

func (c *session) group(app chat.AppID, id chat.GroupID) (g chat.Group, ok bool, err error) {
	err = c.each(func(scan scanner) (err error) {
		ok = true
		g, err = scanGroup(scan)
		return err
	}, "SELECT "+groupColumns+" FROM groups g JOIN group_heads h ON h.gkey = g.key WHERE g.app = ? AND g.id = ?", int64(app), blob(id))
	return g, ok, err
}

func (c *session) groups(query string, args ...any) (list []chat.Group, err error) {
	err = c.each(func(scan scanner) error {
		g, err := scanGroup(scan)
		list = append(list, g)
		return err
	}, query, args...)
	return list, err
}

func (c *session) joined(app chat.AppID, user chat.UserID) (list []chat.Membership, err error) {
	err = c.each(func(scan scanner) error {
		var m chat.Membership
		err := scan(append(groupFields(&m.Group), memberFields(&m.Self)...)...)
		list = append(list, m)
		return err
	}, "SELECT "+groupColumns+", "+memberColumns+fromMembers+`JOIN groups g ON g.key = m.gkey JOIN group_heads h ON h.gkey = g.key
		WHERE m.app = ? AND m.user = ? ORDER BY m.gkey`, int64(app), blob(user))
	return list, err
}

// Group reads a living group by its id.
func (s *Store) Group(ctx context.Context, app chat.AppID, id chat.GroupID) (g chat.Group, ok bool, err error) {
	err = s.read(ctx, func(c *session) (err error) {
		g, ok, err = c.group(app, id)
		return err
	})
	return g, ok, err
}

// Groups lists living groups in key order.
func (s *Store) Groups(ctx context.Context, app chat.AppID, t chat.GroupType, after chat.GroupKey, limit int) (page []chat.Group, total int64, err error) {
	const from = " FROM groups g JOIN group_heads h ON h.gkey = g.key "
	err = s.read(ctx, func(c *session) (err error) {
		if t == "" {
			if _, err = c.one(row(&total), "SELECT count(*) FROM groups WHERE app = ?", int64(app)); err == nil {
				page, err = c.groups("SELECT "+groupColumns+from+"WHERE g.app = ? AND g.key > ? ORDER BY g.key LIMIT ?",
					int64(app), int64(after), int64(limit))
			}
			return err
		}
		if _, err = c.one(row(&total), "SELECT count(*) FROM groups WHERE app = ? AND type = ?", int64(app), blob(t)); err == nil {
			page, err = c.groups("SELECT "+groupColumns+from+"WHERE g.app = ? AND g.type = ? AND g.key > ? ORDER BY g.key LIMIT ?",
				int64(app), blob(t), int64(after), int64(limit))
		}
		return err
	})
	return page, total, err
}

// Joined lists the groups that user is a member of, by key.
func (s *Store) Joined(ctx context.Context, app chat.AppID, user chat.UserID) (list []chat.Membership, err error) {
	err = s.read(ctx, func(c *session) (err error) {
		list, err = c.joined(app, user)
		return err
	})
	return list, err
}

const memberColumns = "m.user, m.role, m.join_time, m.read_seq, m.msg_flag, m.name_card, coalesce(u.until, 0), m.last_msg_time, m.join_seq"

const fromMembers = " FROM members m LEFT JOIN mutes u ON u.gkey = m.gkey AND u.user = m.user "

func memberFields(m *chat.Member) []any {
	return []any{&m.User, &m.Role, &m.JoinTime, &m.ReadSeq, &m.MsgFlag, &m.NameCard, &m.MuteUntil, &m.LastMsgTime, &m.JoinSeq}
}

func scanMember(scan scanner) (m chat.Member, err error) {
	err = scan(memberFields(&m)...)
	return m, err
}

func (c *session) member(app chat.AppID, g chat.GroupKey, user chat.UserID) (m chat.Member, ok bool, err error) {
	err = c.each(func(scan scanner) (err error) {
		ok = true
		m, err = scanMember(scan)
		return err
	}, "SELECT "+memberColumns+fromMembers+"WHERE m.gkey = ? AND m.user = ? AND m.app = ?", int64(g), blob(user), int64(app))
	return m, ok, err
}

// Member reads one membership.
func (s *Store) Member(ctx context.Context, app chat.AppID, g chat.GroupKey, user chat.UserID) (m chat.Member, ok bool, err error) {
	err = s.read(ctx, func(c *session) (err error) {
		m, ok, err = c.member(app, g, user)
		return err
	})
	return m, ok, err
}

// managing has the index members_managing taken.
const managing = "role <> x'4d656d626572'"

// membersQuery lists members. Ordinary members who are skipped are read in an index
// alone: those of other roles are left out by the index that they have. The + keeps
// the index by app, which is of all groups, out of it.
func membersQuery(roles []chat.Role) string {
	of := ""
	switch {
	case len(roles) == 0:
	case slices.Contains(roles, chat.RoleMember):
		of = "AND ord NOT IN (SELECT ord FROM members WHERE gkey = ?1 AND " + managing + " AND role NOT IN (?5, ?6, ?7)) "
	default:
		of = "AND " + managing + " AND role IN (?5, ?6, ?7) "
	}
	return "SELECT " + memberColumns + fromMembers + `WHERE +m.app = ?2 AND m.ord IN
		(SELECT ord FROM members WHERE gkey = ?1 ` + of + "ORDER BY ord LIMIT ?3 OFFSET ?4) ORDER BY m.ord"
}

// Members lists members of the roles, or of all without any, in the order they
// joined: limit of them after the first offset.
func (s *Store) Members(ctx context.Context, app chat.AppID, g chat.GroupKey, roles []chat.Role, offset, limit int) (list []chat.Member, err error) {
	args := []any{int64(g), int64(app), int64(limit), int64(offset)}
	if len(roles) > 0 {
		for _, role := range []chat.Role{chat.RoleOwner, chat.RoleAdmin, chat.RoleMember} {
			if !slices.Contains(roles, role) {
				role = ""
			}
			args = append(args, blob(role))
		}
	}
	err = s.read(ctx, func(c *session) error {
		return c.each(func(scan scanner) error {
			m, err := scanMember(scan)
			list = append(list, m)
			return err
		}, membersQuery(roles), args...)
	})
	return list, err
}

// Standing reads what the rules want to know of user in the group. The end of a
// mute is given as it is stored, also when it has passed.
func (s *Store) Standing(ctx context.Context, app chat.AppID, g chat.GroupKey, user chat.UserID) (st chat.Standing, err error) {
	err = s.read(ctx, func(c *session) error {
		_, err := c.one(row(&st.Member, &st.Role, &st.MuteUntil),
			`SELECT m.ord IS NOT NULL, coalesce(m.role, x''), coalesce(u.until, 0)
			FROM (SELECT ?1 AS gkey, ?2 AS user, ?3 AS app) q
			LEFT JOIN members m ON m.gkey = q.gkey AND m.user = q.user AND m.app = q.app
			LEFT JOIN mutes u ON u.gkey = q.gkey AND u.user = q.user AND u.app = q.app`, int64(g), blob(user), int64(app))
		return err
	})
	return st, err
}

// Muted lists who is muted beyond now (unix seconds), by user.
func (s *Store) Muted(ctx context.Context, app chat.AppID, g chat.GroupKey, now int64) (list []chat.Muted, err error) {
	err = s.read(ctx, func(c *session) error {
		return c.each(func(scan scanner) error {
			var m chat.Muted
			err := scan(&m.User, &m.Until)
			list = append(list, m)
			return err
		}, "SELECT user, until FROM mutes WHERE gkey = ? AND app = ? AND until > ? ORDER BY user", int64(g), int64(app), now)
	})
	return list, err
}
