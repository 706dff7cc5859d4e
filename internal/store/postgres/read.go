package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/chat"
)

const selectApps = "SELECT a.app, a.key, a.admins, h.epoch, a.settings FROM apps a JOIN heads h ON h.app = a.app"

func scanApp(r pgx.Rows) (a chat.App, err error) {
	var admins, settings []byte
	if err := r.Scan(&a.ID, str(&a.Key), &admins, str(&a.Epoch), &settings); err != nil {
		return a, err
	}
	// A setting that is younger than the row has its default.
	a.Settings = chat.DefaultSettings()
	if err := json.Unmarshal(settings, &a.Settings); err != nil {
		return a, fmt.Errorf("settings of app %d: %w", a.ID, err)
	}
	if err := json.Unmarshal(admins, &a.Admins); err != nil {
		return a, fmt.Errorf("admins of app %d: %w", a.ID, err)
	}
	return a, nil
}

// Apps lists all apps by id.
func (s *Store) Apps(ctx context.Context) (list []chat.App, err error) {
	err = s.query(ctx, "read the apps", selectApps+" ORDER BY a.app", func(r pgx.Rows) error {
		a, err := scanApp(r)
		list = append(list, a)
		return err
	})
	return list, err
}

// App reads one app.
func (s *Store) App(ctx context.Context, app chat.AppID) (a chat.App, ok bool, err error) {
	err = s.query(ctx, "read an app", selectApps+" WHERE a.app = $1", func(r pgx.Rows) (err error) {
		ok = true
		a, err = scanApp(r)
		return err
	}, int64(app))
	return a, ok, err
}

const selectWords = "SELECT word FROM words WHERE app = $1 ORDER BY word"

// Words lists the app's filter words in byte order.
func (s *Store) Words(ctx context.Context, app chat.AppID) (list []string, err error) {
	err = s.query(ctx, "read words", selectWords, func(r pgx.Rows) error {
		var word string
		err := r.Scan(str(&word))
		list = append(list, word)
		return err
	}, int64(app))
	return list, err
}

const selectEndpoints = "SELECT id, url, token, ca, commands, settings, cursor, cursor_previous, lane FROM endpoints WHERE app = $1"

func scanEndpoint(r pgx.Rows, app chat.AppID) (chat.Endpoint, error) {
	e := chat.Endpoint{App: app}
	var commands, settings, lane []byte
	if err := r.Scan(str(&e.ID), str(&e.URL), str(&e.Token), str(&e.CA), &commands, &settings, &e.Cursor, &e.CursorPrevious, &lane); err != nil {
		return e, err
	}
	err := errors.Join(json.Unmarshal(commands, &e.Commands), json.Unmarshal(settings, &e.EndpointSettings), json.Unmarshal(lane, &e.Lane))
	if err != nil {
		return e, fmt.Errorf("endpoint %q: %w", e.ID, err)
	}
	return e, nil
}

// Endpoints lists the app's endpoints by id.
func (s *Store) Endpoints(ctx context.Context, app chat.AppID) (list []chat.Endpoint, err error) {
	err = s.query(ctx, "read endpoints", selectEndpoints+" ORDER BY id", func(r pgx.Rows) error {
		e, err := scanEndpoint(r, app)
		list = append(list, e)
		return err
	}, int64(app))
	return list, err
}

const selectAccount = "SELECT nick, face_url, create_time, mute_until, c2c_mute FROM accounts WHERE app = $1 AND account = $2"

func scanAccount(r pgx.Rows, a *chat.Account) error {
	return r.Scan(str(&a.Nick), str(&a.FaceURL), &a.CreateTime, &a.MuteUntil, &a.C2CMute)
}

// Account reads an account. AdminOfApp is left to those who know the settings.
func (s *Store) Account(ctx context.Context, app chat.AppID, user chat.UserID) (a chat.Account, ok bool, err error) {
	err = s.query(ctx, "read an account", selectAccount, func(r pgx.Rows) error {
		ok, a.User = true, user
		return scanAccount(r, &a)
	}, int64(app), blob(user))
	return a, ok, err
}

const (
	groupColumns = `g.key, g.id, g.type, g.name, g.introduction, g.notification, g.face_url, g.owner, g.apply_join, g.invite,
	g.max_members, g.members, g.mute_all, g.create_time, g.last_info_time, g.info_seq, h.time, h.next`
	fromGroups   = " FROM groups g JOIN group_heads h ON h.app = g.app AND h.gkey = g.key"
	selectGroups = "SELECT " + groupColumns + fromGroups
)

func groupFields(g *chat.Group) []any {
	return []any{&g.Key, str(&g.ID), str(&g.Type), str(&g.Name), str(&g.Introduction), str(&g.Notification), str(&g.FaceURL), str(&g.Owner),
		str(&g.ApplyJoinOption), str(&g.InviteOption), &g.MaxMembers, &g.Members, &g.MuteAll, &g.CreateTime, &g.LastInfoTime, &g.InfoSeq,
		&g.LastMsgTime, &g.NextMsgSeq}
}

func scanGroup(r pgx.Rows) (g chat.Group, err error) {
	err = r.Scan(groupFields(&g)...)
	return g, err
}

const selectGroup = selectGroups + " WHERE g.app = $1 AND g.id = $2"

// Group reads a living group by its id.
func (s *Store) Group(ctx context.Context, app chat.AppID, id chat.GroupID) (g chat.Group, ok bool, err error) {
	err = s.query(ctx, "read a group", selectGroup, func(r pgx.Rows) (err error) {
		ok = true
		g, err = scanGroup(r)
		return err
	}, int64(app), blob(id))
	return g, ok, err
}

// Groups lists living groups in key order.
func (s *Store) Groups(ctx context.Context, app chat.AppID, t chat.GroupType, after chat.GroupKey, limit int) (page []chat.Group, total int64, err error) {
	count, list, args := "SELECT count(*) FROM groups WHERE app = $1", selectGroups+" WHERE g.app = $1 AND g.key > $2", []any{int64(app)}
	if t != "" {
		count, list, args = count+" AND type = $2", selectGroups+" WHERE g.app = $1 AND g.type = $2 AND g.key > $3", append(args, blob(t))
	}
	err = s.query(ctx, "count groups", count, func(r pgx.Rows) error { return r.Scan(&total) }, args...)
	if err != nil {
		return nil, 0, err
	}
	list += fmt.Sprintf(" ORDER BY g.key LIMIT $%d", len(args)+2)
	err = s.query(ctx, "list groups", list, func(r pgx.Rows) error {
		g, err := scanGroup(r)
		page = append(page, g)
		return err
	}, append(args, int64(after), int64(limit))...)
	return page, total, err
}

const (
	memberColumns = "m.account, m.role, m.join_time, m.read_seq, m.msg_flag, m.name_card, coalesce(u.until, 0), m.last_msg_time, m.join_seq"
	joinMutes     = " LEFT JOIN mutes u ON u.app = m.app AND u.gkey = m.gkey AND u.account = m.account"
	selectMembers = "SELECT " + memberColumns + " FROM members m" + joinMutes + " WHERE m.app = $1 AND m.gkey = $2"
	selectMember  = selectMembers + " AND m.account = $3"
	selectJoined  = "SELECT " + groupColumns + ", " + memberColumns + fromGroups + " JOIN members m ON m.app = g.app AND m.gkey = g.key" + joinMutes +
		" WHERE m.app = $1 AND m.account = $2 ORDER BY m.gkey"
)

func memberFields(m *chat.Member) []any {
	return []any{str(&m.User), str(&m.Role), &m.JoinTime, &m.ReadSeq, str(&m.MsgFlag), str(&m.NameCard), &m.MuteUntil, &m.LastMsgTime, &m.JoinSeq}
}

func scanMember(r pgx.Rows) (m chat.Member, err error) {
	err = r.Scan(memberFields(&m)...)
	return m, err
}

func scanMembership(r pgx.Rows) (m chat.Membership, err error) {
	err = r.Scan(append(groupFields(&m.Group), memberFields(&m.Self)...)...)
	return m, err
}

// Joined lists the groups that user is a member of, by key.
func (s *Store) Joined(ctx context.Context, app chat.AppID, user chat.UserID) (list []chat.Membership, err error) {
	err = s.query(ctx, "list joined groups", selectJoined, func(r pgx.Rows) error {
		m, err := scanMembership(r)
		list = append(list, m)
		return err
	}, int64(app), blob(user))
	return list, err
}

// Member reads one membership.
func (s *Store) Member(ctx context.Context, app chat.AppID, g chat.GroupKey, user chat.UserID) (m chat.Member, ok bool, err error) {
	err = s.query(ctx, "read a member", selectMember, func(r pgx.Rows) (err error) {
		ok = true
		m, err = scanMember(r)
		return err
	}, int64(app), int64(g), blob(user))
	return m, ok, err
}

// The page is found first: mutes are looked up of those who are on it, one by one.
const (
	memberPage = "SELECT " + memberColumns + " FROM (SELECT * FROM members WHERE app = $1 AND gkey = $2"
	ofMembers  = ` ORDER BY ord LIMIT $3 OFFSET $4) m LEFT JOIN LATERAL
		(SELECT until FROM mutes WHERE app = m.app AND gkey = m.gkey AND account = m.account OFFSET 0) u ON true ORDER BY m.ord`

	selectAnybody  = memberPage + ofMembers
	selectOfRoles  = memberPage + " AND role = ANY($5)" + ofMembers
	selectManagers = memberPage + " AND role <> 'Member' AND role = ANY($5)" + ofMembers // by members_managing
)

// Members lists members of the roles, or of all without any, in the order they
// joined: limit of them after the first offset.
func (s *Store) Members(ctx context.Context, app chat.AppID, g chat.GroupKey, roles []chat.Role, offset, limit int) (list []chat.Member, err error) {
	query, args := selectAnybody, []any{int64(app), int64(g), int64(limit), int64(offset)}
	if len(roles) > 0 {
		if query = selectManagers; slices.Contains(roles, chat.RoleMember) {
			query = selectOfRoles
		}
		words := make([][]byte, len(roles))
		for i, role := range roles {
			words[i] = blob(role)
		}
		args = append(args, words)
	}
	err = s.query(ctx, "list members", query, func(r pgx.Rows) error {
		m, err := scanMember(r)
		list = append(list, m)
		return err
	}, args...)
	return list, err
}

// Standing reads what the rules want to know of user in the group. The end of a
// mute is given as it is stored, also when it has passed.
func (s *Store) Standing(ctx context.Context, app chat.AppID, g chat.GroupKey, user chat.UserID) (st chat.Standing, err error) {
	err = s.query(ctx, "read a standing", `SELECT m.account IS NOT NULL, coalesce(m.role, ''::bytea), coalesce(u.until, 0)
		FROM (SELECT $1::bigint AS app, $2::bigint AS gkey, $3::bytea AS account) q
		LEFT JOIN members m ON m.app = q.app AND m.gkey = q.gkey AND m.account = q.account
		LEFT JOIN mutes u ON u.app = q.app AND u.gkey = q.gkey AND u.account = q.account`, func(r pgx.Rows) error {
		return r.Scan(&st.Member, str(&st.Role), &st.MuteUntil)
	}, int64(app), int64(g), blob(user))
	return st, err
}

// Muted lists who is muted beyond now (unix seconds), by user.
func (s *Store) Muted(ctx context.Context, app chat.AppID, g chat.GroupKey, now int64) (list []chat.Muted, err error) {
	err = s.query(ctx, "list mutes", "SELECT account, until FROM mutes WHERE app = $1 AND gkey = $2 AND until > $3 ORDER BY account", func(r pgx.Rows) error {
		var m chat.Muted
		err := r.Scan(str(&m.User), &m.Until)
		list = append(list, m)
		return err
	}, int64(app), int64(g), now)
	return list, err
}

const selectMessages = `SELECT seq, sender, random, time, priority, flags, body, cloud, attempt, extra FROM messages
	WHERE app = $1 AND gkey = $2 AND seq <= $3 AND EXISTS (SELECT 1 FROM groups WHERE app = $1 AND key = $2) ORDER BY seq DESC LIMIT $4`

func scanMessage(r pgx.Rows, g chat.GroupKey) (chat.Message, error) {
	m := chat.Message{Group: g}
	var extra []byte
	err := r.Scan(&m.Seq, str(&m.From), &m.Random, &m.Time, &m.Priority, &m.Flags, &m.Body, str(&m.Cloud), (*[16]byte)(&m.Attempt), &extra)
	if err == nil {
		err = m.SetExtra(extra)
	}
	return m, err
}

// Messages lists messages of a group with numbers from newest downwards. A group
// that is gone, or is another app's, has none.
func (s *Store) Messages(ctx context.Context, app chat.AppID, g chat.GroupKey, newest chat.MsgSeq, limit int) (list []chat.Message, err error) {
	err = s.query(ctx, "list messages", selectMessages, func(r pgx.Rows) error {
		m, err := scanMessage(r, g)
		list = append(list, m)
		return err
	}, int64(app), int64(g), int64(min(newest, 1<<63-1)), int64(limit))
	return list, err
}
