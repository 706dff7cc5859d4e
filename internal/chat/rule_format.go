package chat

import "github.com/parley-im/parley/api"

// checkFormat refuses what the message may not carry in a group of this type
// (documents 1047/34959 and 1047/33529). The flag for online members only is no
// fault in an AVChatRoom; it has no meaning there.
func checkFormat(s *Send, g *Group, settings *Settings) *Refusal {
	if settings.MaxAt > 0 && len(s.Mentions) > settings.MaxAt {
		return compared(Fail(api.CodeTooManyAt), "count", len(s.Mentions), "limit", settings.MaxAt)
	}
	if g.Type == AVChatRoom {
		for _, m := range s.Mentions {
			if m.All {
				return compared(Fail(api.CodeInvalidParameter, "GroupAtInfo cannot mention all in an AVChatRoom"), "type", string(g.Type))
			}
		}
	}
	if len(s.To) > 0 && (g.Type == AVChatRoom || g.Type == Community) {
		return compared(Fail(api.CodePermissionDenied, "To_Account is not supported in this group type"), "type", string(g.Type))
	}
	return nil
}
