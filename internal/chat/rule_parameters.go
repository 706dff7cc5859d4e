package chat

import "github.com/parley-im/parley/api"

// Bounds on what a send may name (documents 1047/34959, 1047/34953, 1047/33529).
const (
	maxUserID  = 32 // bytes
	maxGroupID = 96 // bytes: a community's topic id is the longest
	maxTargets = 50 // receivers in To_Account
)

// checkParameters refuses what is wrong with the request itself, whatever the
// state of the app: first what the door could not read, then shapes.
func checkParameters(s *Send) *Refusal {
	switch {
	case s.Fault != nil:
		return s.Fault
	case s.Group == "":
		return Fail(api.CodeInvalidParameter, "GroupId is required")
	case !printable(string(s.Group), maxGroupID):
		return compared(Fail(api.CodeInvalidGroupID), "group_id_bytes", len(s.Group), "limit", maxGroupID)
	case !printable(string(s.From), maxUserID):
		return compared(Fail(api.CodeInvalidParameter, "From_Account is not a valid UserID"), "from_account_bytes", len(s.From), "limit", maxUserID)
	case len(s.To) > maxTargets:
		return compared(Fail(api.CodeInvalidParameter, "To_Account has too many receivers"), "count", len(s.To), "limit", maxTargets)
	case s.Entry == EntryClient && s.From != s.Caller:
		return compared(denied("From_Account must be the connection's user"), "from_account", string(s.From), "user", string(s.Caller))
	case s.Entry == EntryClient && (s.NoBeforeSend || s.NoAfterSend || s.NoMsgCheck):
		return denied("ForbidCallbackControl and NoMsgCheck are for admins of the app")
	case s.OnlineOnly && (s.NoUnread || s.NoLastMsg):
		return Fail(api.CodeInvalidParameter, "SendMsgControl is not allowed with OnlineOnlyFlag")
	}
	return nil
}

// printable reports whether text is 1 to limit bytes of printable ASCII.
func printable(text string, limit int) bool {
	if text == "" || len(text) > limit {
		return false
	}
	for i := range len(text) {
		if text[i] < 0x20 || text[i] > 0x7e {
			return false
		}
	}
	return true
}

// compared notes, in pairs of name and value, what a rule looked at.
func compared(r *Refusal, pairs ...any) *Refusal {
	r.Compared = make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Compared[pairs[i].(string)] = pairs[i+1]
	}
	return r
}
