package chat

import (
	"time"

	"github.com/parley-im/parley/api"
)

// mutedAt reports whether a mute with this end holds at now; both in unix seconds.
func mutedAt(until, now int64) bool { return until == Forever || until > now }

// checkAccountMute refuses a sender whose account may send to no group
// (setnospeaking, document 1047/34923).
func checkAccountMute(a *Account, now time.Time) *Refusal {
	if a == nil || !mutedAt(a.MuteUntil, now.Unix()) {
		return nil
	}
	return muted(Fail(api.CodeMuted), a.MuteUntil, now)
}

// checkMemberMute refuses a sender who is muted in this group
// (forbid_send_msg, document 1047/34951). A mute ends by itself.
func checkMemberMute(s Standing, now time.Time) *Refusal {
	if !mutedAt(s.MuteUntil, now.Unix()) {
		return nil
	}
	return muted(Fail(api.CodeMuted), s.MuteUntil, now)
}

// checkMuteAll refuses an ordinary sender while the whole group is muted. The
// group's owner and admins and the app's admins may go on
// (MuteAllMember, document 1047/34962).
func checkMuteAll(g *Group, a *Account, s Standing) *Refusal {
	if !g.MuteAll || s.Role == RoleOwner || s.Role == RoleAdmin || a != nil && a.AdminOfApp {
		return nil
	}
	role := string(s.Role)
	if role == "" {
		role = "NotMember"
	}
	return compared(Fail(api.CodeMuted), "mute_all", true, "role", role)
}

func muted(r *Refusal, until int64, now time.Time) *Refusal {
	if until == Forever {
		return compared(r, "mute_until", "forever")
	}
	r.RetryAfter = time.Unix(until, 0).Sub(now)
	return compared(r, "mute_until", until)
}
