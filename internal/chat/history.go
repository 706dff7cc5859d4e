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

// Page is a piece of a group's history, newest first. A message that is not
// stored any more has only its number.
type Page struct {
	Messages []Message
	// Complete: all that was asked for is there. It is not when more than
	// MaxHistory was.
	Complete bool
}

// History reads number messages of a group from newest downwards; 0, or one
// not yet sent, is the newest there is. Codes: 10004 for a number below 1,
// 10044 in an AVChatRoom, which keeps no history, and those of a missing group.
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
	stored, err := b.Reader().Messages(ctx, app, g.Key, newest, int(wanted))
	if err != nil {
		return Page{}, fmt.Errorf("read history: %w", err)
	}
	for seq := newest; seq > newest-wanted; seq-- {
		if len(stored) > 0 && stored[0].Seq == seq {
			page.Messages = append(page.Messages, stored[0])
			stored = stored[1:]
			continue
		}
		page.Messages = append(page.Messages, Message{Group: g.Key, Seq: seq})
	}
	return page, nil
}

// Recall takes messages back and tells of each how it went, in the order given:
// 0, also for one taken back before, 10030 for one that is not stored, 10033 in
// an AVChatRoom. Any age is allowed to an admin. Codes: 10004 for none or more
// than MaxRecalled, and those of a missing group.
func (b *Backend) Recall(ctx context.Context, app AppID, by Actor, id GroupID, seqs []MsgSeq) ([]api.Code, error) {
	if len(seqs) == 0 || len(seqs) > MaxRecalled {
		return nil, Fail(api.CodeInvalidParameter, fmt.Sprintf("MsgSeqList must have 1 to %d messages", MaxRecalled))
	}
	results := make([]api.Code, len(seqs))
	err := b.Change(ctx, app, func(r Records) error {
		g, err := existingGroup(r, id)
		if err != nil {
			return err
		}
		for i, seq := range seqs {
			if results[i], err = recall(r, &g, seq); err != nil {
				return err
			}
		}
		return nil
	})
	return results, err
}

func recall(r Records, g *Group, seq MsgSeq) (api.Code, error) {
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
	if found[0].Flags&FlagRecalled != 0 {
		return api.CodeOK, nil
	}
	return api.CodeOK, r.RecallMessage(g.Key, seq)
}
