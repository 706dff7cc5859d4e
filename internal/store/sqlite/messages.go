package sqlite

import (
	"context"
	"fmt"

	"github.com/parley-im/parley/internal/chat"
)

func (c *session) putMessage(m *chat.Message) error {
	return c.exec(`INSERT INTO messages (gkey, seq, sender, random, time, priority, flags, body, cloud, attempt, extra)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(m.Group), int64(m.Seq), blob(m.From), int64(m.Random), m.Time, int64(m.Priority), int64(m.Flags),
		blob(m.Body), blob(m.Cloud), m.Attempt[:], blob(m.Extra()))
}

func (c *session) putGroupHead(g *chat.GroupHead) error {
	n, err := c.change("UPDATE group_heads SET next = ?, time = ? WHERE gkey = ?", int64(g.Next), g.Time, int64(g.Key))
	if err == nil && n == 0 {
		err = fmt.Errorf("group %d is not there", g.Key)
	}
	return err
}

// messages reads from the newest number downwards. A group that is gone, or is
// another app's, has none.
func (c *session) messages(app chat.AppID, g chat.GroupKey, newest chat.MsgSeq, limit int) (list []chat.Message, err error) {
	err = c.each(func(scan scanner) error {
		m := chat.Message{Group: g}
		var extra []byte
		err := scan(&m.Seq, &m.From, &m.Random, &m.Time, &m.Priority, &m.Flags, &m.Body, &m.Cloud, (*id16)(&m.Attempt), &extra)
		if err == nil {
			err = m.SetExtra(extra)
		}
		list = append(list, m)
		return err
	}, `SELECT seq, sender, random, time, priority, flags, body, cloud, attempt, extra FROM messages
		WHERE gkey = ?1 AND seq <= ?2 AND EXISTS (SELECT 1 FROM groups WHERE key = ?1 AND app = ?3)
		ORDER BY seq DESC LIMIT ?4`, int64(g), int64(min(newest, 1<<63-1)), int64(app), int64(limit))
	return list, err
}

// Messages lists messages of a group with numbers from newest downwards.
func (s *Store) Messages(ctx context.Context, app chat.AppID, g chat.GroupKey, newest chat.MsgSeq, limit int) (list []chat.Message, err error) {
	err = s.read(ctx, func(c *session) (err error) {
		list, err = c.messages(app, g, newest, limit)
		return err
	})
	return list, err
}
