package chat

import (
	"context"
	"fmt"

	"github.com/parley-im/parley/api"
)

// Bounds of the history commands (documents 1047/34971 and 1047/34965).
const (
	MaxHistory  = 20 // messages of one page
	MaxRecalled = 10 // messages one call takes back
)

// Place is why a number of the history has no message to show; empty where it has.
type Place string

// The reasons. A message that was recalled, or whose sender was deleted, is there.
const (
	PlaceDeleted    Place = "Deleted"    // it is not stored any more
	PlaceNotForYou  Place = "NotForYou"  // it was for others in the group
	PlaceBeforeJoin Place = "BeforeJoin" // it was sent before the member joined
)

// Item is one number of a group's history. With a Place it has no more than that.
type Item struct {
	Message
	Place Place
}

// Page is a piece of a group's history, newest first, without a number left out.
type Page struct {
	Messages []Item
	// Complete: all that was asked for is there. It is not when more than
	// MaxHistory was.
	Complete bool
}

// History reads number messages of a group from newest downwards; 0, or one
// not yet sent, is the newest there is. Over a connection a member sees what is
// for him, since he joined. Codes: 10004 for a number below 1, 10007 for who is no
// member, over a connection, 10044 in an AVChatRoom, which keeps no history, and
// those of a missing group.
func (b *Backend) History(ctx context.Context, app AppID, by Actor, id GroupID, newest MsgSeq, number int) (Page, error) {
	if number < 1 {
		return Page{}, Fail(api.CodeInvalidParameter, "ReqMsgNumber must be at least 1")
	}
	g, err := b.GetGroup(ctx, app, id)
	if err != nil {
		return Page{}, err
	}
	if g.Type == AVChatRoom {
		return Page{}, Fail(api.CodeNoHistory)
	}
	self, err := b.seen(ctx, app, by, g.Key)
	if err != nil {
		return Page{}, err
	}
	last := g.NextMsgSeq - 1
	if newest == 0 || newest > last {
		newest = last
	}
	wanted := min(MsgSeq(number), newest)
	page := Page{Complete: wanted <= MaxHistory}
	wanted = min(wanted, MaxHistory)
	if wanted == 0 {
		return page, nil
	}
	stored, err := b.messages(ctx, app, g.Key, newest, int(wanted))
	if err != nil {
		return Page{}, fmt.Errorf("read history: %w", err)
	}
	for seq := newest; seq > newest-wanted; seq-- {
		item := Item{Message{Group: g.Key, Seq: seq}, PlaceDeleted}
		if len(stored) > 0 && stored[0].Seq == seq {
			item = Item{Message: stored[0]}
			stored = stored[1:]
		}
		if by.Client {
			item.showTo(by.User, self.JoinSeq)
		}
		page.Messages = append(page.Messages, item)
	}
	return page, nil
}

// showTo leaves the number alone of what is not for a user, who is in the group
// since the number first.
func (i *Item) showTo(user UserID, first MsgSeq) {
	switch {
	case i.Seq < first:
		i.Place = PlaceBeforeJoin
	case i.Place == "" && !i.VisibleTo(user, first):
		i.Place = PlaceNotForYou
	}
	if i.Place != "" {
		i.Message = Message{Group: i.Group, Seq: i.Seq}
	}
}

// recallTime is how long a message can be taken back over a connection, in
// seconds (document 1047/34965).
const recallTime = 120

// Recall takes messages back and tells of each how it went, in the order given:
// 0, also for one taken back before, 10030 for one that is not stored, 10033 in
// an AVChatRoom. Any age is allowed to an admin. Over a connection a message can
// be taken back for 2 minutes, then it is 10031, by its sender, by the owner, and
// an ordinary member's by an admin; for others it is 10032, or 10030 if they do
// not see it. Codes: 10004 for none or more than MaxRecalled, 10007 for who is no
// member, and those of a missing group.
func (b *Backend) Recall(ctx context.Context, app AppID, by Actor, id GroupID, seqs []MsgSeq) ([]api.Code, error) {
	if len(seqs) == 0 || len(seqs) > MaxRecalled {
		return nil, Fail(api.CodeInvalidParameter, fmt.Sprintf("MsgSeqList must have 1 to %d messages", MaxRecalled))
	}
	results := make([]api.Code, len(seqs))
	now := b.Now()
	err := b.Change(ctx, app, func(r Records) error {
		g, err := existingGroup(r, id)
		if err != nil {
			return err
		}
		n := by.about(NoticeRecalled, &g, now)
		self, member, err := r.Member(g.Key, by.User)
		if err != nil {
			return err
		}
		if by.Client && !member {
			return notMember()
		}
		for i, seq := range seqs {
			if results[i], err = recall(r, by, &self, &n, &g, seq); err != nil {
				return err
			}
		}
		if len(n.Seqs) > 0 {
			tell(r, n)
		}
		return nil
	})
	return results, err
}

// recall takes one message back and puts its number into the notice.
func recall(r Records, by Actor, self *Member, n *Notice, g *Group, seq MsgSeq) (api.Code, error) {
	if g.Type == AVChatRoom {
		return api.CodeRecallNotForType, nil
	}
	if seq == 0 || seq >= g.NextMsgSeq {
		return api.CodeRecallNotFound, nil
	}
	found, err := r.Messages(g.Key, seq, 1)
	if err != nil {
		return 0, err
	}
	if len(found) == 0 || found[0].Seq != seq {
		return api.CodeRecallNotFound, nil
	}
	m := &found[0]
	if by.Client {
		if code, err := recallable(r, by, self, g, m); code != api.CodeOK || err != nil {
			return code, err
		}
	}
	if m.Flags&FlagRecalled != 0 {
		return api.CodeOK, nil
	}
	if by.Client && n.Time/1000-m.Time > recallTime {
		return api.CodeRecallTooLate, nil
	}
	n.Seqs = append(n.Seqs, seq)
	return api.CodeOK, r.RecallMessage(g.Key, seq)
}

// recallable decides whether a member may take a message back.
func recallable(r Records, by Actor, self *Member, g *Group, m *Message) (api.Code, error) {
	if !m.VisibleTo(by.User, self.JoinSeq) {
		return api.CodeRecallNotFound, nil
	}
	sender, _, err := r.Member(g.Key, m.From)
	if err != nil {
		return api.CodeOK, err
	}
	if refusal := mayRecall(self.Role, sender.Role, m.From == by.User); refusal != nil {
		return refusal.Code, nil
	}
	return api.CodeOK, nil
}

// messages reads from memory what is there, and else from the store.
func (b *Backend) messages(ctx context.Context, app AppID, g GroupKey, newest MsgSeq, limit int) ([]Message, error) {
	if b.memory != nil {
		if list, ok := b.memory.Recent(app, g, newest, limit); ok {
			return list, nil
		}
	}
	return b.store.Messages(ctx, app, g, newest, limit)
}
