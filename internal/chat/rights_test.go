package chat

import (
	"strings"
	"testing"

	"github.com/parley-im/parley/api"
)

// letters are the roles as the tables write them: Owner, Admin, Member, and who
// is none.
var letters = map[rune]Role{'O': RoleOwner, 'A': RoleAdmin, 'M': RoleMember, '-': ""}

var allTypes = []GroupType{Private, Public, ChatRoom, AVChatRoom, Community}

// Each act with those who may do it in a Private, Public, ChatRoom, AVChatRoom
// and Community group (document 1047/33529). All others are refused, with 10007
// unless another code is given.
func TestRightsOfMembers(t *testing.T) {
	t.Parallel()
	group := func(c GroupChange) func(GroupType, Role) *Refusal {
		return func(t GroupType, r Role) *Refusal { return mayEditGroup(t, r, &c) }
	}
	member := func(target Role, self bool, c MemberChange) func(GroupType, Role) *Refusal {
		return func(t GroupType, r Role) *Refusal { return mayEditMember(t, r, target, self, &c) }
	}
	kick := func(target Role) func(GroupType, Role) *Refusal {
		return func(t GroupType, r Role) *Refusal { return mayKick(t, r, target) }
	}
	mute := func(target Role) func(GroupType, Role) *Refusal {
		return func(t GroupType, r Role) *Refusal { return mayMute(t, r, target) }
	}
	invite := func(option string) func(GroupType, Role) *Refusal {
		return func(t GroupType, r Role) *Refusal { return mayInvite(t, option, r) }
	}
	recall := func(sender Role, self bool) func(GroupType, Role) *Refusal {
		return func(_ GroupType, r Role) *Refusal { return mayRecall(r, sender, self) }
	}
	ranked := func(f func(Role) *Refusal) func(GroupType, Role) *Refusal {
		return func(_ GroupType, r Role) *Refusal { return f(r) }
	}
	word, empty, on, number, seconds, role := "w", "", true, int64(9), uint32(60), RoleAdmin
	texts := GroupChange{Name: &word, Introduction: &word, Notification: &word, FaceURL: &word}
	textsAndMute := texts
	textsAndMute.MuteAll = &on

	for _, c := range []struct {
		act string
		may func(GroupType, Role) *Refusal
		//      Private  Public  ChatRoom AVChatRoom Community
		private, public, room, live, community string
		code                                   api.Code // of a member's refusal; 0 is 10007
	}{
		{"dissolve", mayDissolve, "", "O", "O", "O", "O", 0},
		{"quit", mayQuit, "OAM", "AM", "AM", "AM", "AM", api.CodeOwnerMayNotQuit},
		{"hand over", ranked(mayHandOver), "O", "O", "O", "O", "O", 0},
		{"judge applications", ranked(mayJudge), "OA", "OA", "OA", "OA", "OA", 0},
		{"list the muted", ranked(mayListMuted), "OA", "OA", "OA", "OA", "OA", 0},

		{"invite, FreeAccess", invite(freeAccess), "OAM", "OAM", "OAM", "", "OAM", 0},
		{"invite, NeedPermission", invite(needPermission), "OA", "OA", "OA", "", "OA", 0},
		{"invite, DisableInvite", invite(disableInvite), "", "", "", "", "", 0},

		{"kick a member", kick(RoleMember), "OA", "OA", "OA", "", "OA", 0},
		{"kick who left", kick(""), "OA", "OA", "OA", "", "OA", 0},
		{"kick an admin", kick(RoleAdmin), "O", "O", "O", "", "O", 0},
		{"kick the owner", kick(RoleOwner), "", "", "", "", "", 0},

		{"mute a member", mute(RoleMember), "", "OA", "OA", "OA", "OA", 0},
		{"mute who left", mute(""), "", "OA", "OA", "OA", "OA", 0},
		{"mute an admin", mute(RoleAdmin), "", "O", "O", "O", "O", 0},
		{"mute the owner", mute(RoleOwner), "", "", "", "", "", 0},

		{"change texts", group(texts), "OAM", "OA", "O", "O", "OA", 0},
		{"change a name", group(GroupChange{Name: &word}), "OAM", "OA", "O", "O", "OA", 0},
		{"change ApplyJoinOption", group(GroupChange{ApplyJoinOption: &word}), "", "OA", "O", "O", "OA", 0},
		{"change InviteJoinOption", group(GroupChange{InviteOption: &word}), "", "OA", "O", "O", "OA", 0},
		{"change the limit", group(GroupChange{MaxMembers: &number}), "", "OA", "O", "O", "OA", 0},
		{"mute all", group(GroupChange{MuteAll: &on}), "", "OA", "OA", "OA", "OA", 0},
		{"change texts and mute all", group(textsAndMute), "", "OA", "O", "O", "OA", 0},
		{"change nothing", group(GroupChange{ApplyJoinOption: &empty}), "OAM", "OAM", "OAM", "OAM", "OAM", 0},

		{"change one's own card and flag", member(RoleMember, true, MemberChange{NameCard: &word, MsgFlag: &word}), "OAM", "OAM", "OAM", "OAM", "OAM", 0},
		{"change a member's card", member(RoleMember, false, MemberChange{NameCard: &word}), "OA", "OA", "OA", "OA", "OA", 0},
		{"change an admin's card", member(RoleAdmin, false, MemberChange{NameCard: &word}), "O", "O", "O", "O", "O", 0},
		{"change the owner's card", member(RoleOwner, false, MemberChange{NameCard: &word}), "", "", "", "", "", 0},
		{"change another's flag", member(RoleMember, false, MemberChange{MsgFlag: &word}), "", "", "", "", "", 0},
		{"change a role", member(RoleMember, false, MemberChange{Role: &role}), "O", "O", "O", "O", "O", 0},
		{"change one's own role", member(RoleMember, true, MemberChange{Role: &role}), "O", "O", "O", "O", "O", 0},
		{"mute by the profile", member(RoleMember, false, MemberChange{MuteTime: &seconds}), "", "OA", "OA", "OA", "OA", 0},
		{"mute an admin by the profile", member(RoleAdmin, false, MemberChange{MuteTime: &seconds}), "", "O", "O", "O", "O", 0},
		{"end one's own mute", member(RoleMember, true, MemberChange{MuteTime: new(uint32)}), "", "OA", "OA", "OA", "OA", 0},

		{"recall one's own", recall(RoleMember, true), "OAM", "OAM", "OAM", "OAM", "OAM", 0},
		{"recall a member's", recall(RoleMember, false), "OA", "OA", "OA", "OA", "OA", api.CodeRecallDenied},
		{"recall who left", recall("", false), "OA", "OA", "OA", "OA", "OA", api.CodeRecallDenied},
		{"recall an admin's", recall(RoleAdmin, false), "O", "O", "O", "O", "O", api.CodeRecallDenied},
		{"recall the owner's", recall(RoleOwner, false), "", "", "", "", "", api.CodeRecallDenied},
	} {
		t.Run(c.act, func(t *testing.T) {
			t.Parallel()
			for i, may := range []string{c.private, c.public, c.room, c.live, c.community} {
				kind := allTypes[i]
				for letter, role := range letters {
					want := api.CodeOK
					switch {
					case strings.ContainsRune(may, letter):
					case c.code != 0 && role != "":
						want = c.code
					default:
						want = api.CodePermissionDenied
					}
					got := api.CodeOK
					if refusal := c.may(kind, role); refusal != nil {
						if got = refusal.Code; refusal.Info == "" {
							t.Errorf("%s, %q: refused without words", kind, role)
						}
					}
					if got != want {
						t.Errorf("%s, %q: %d, want %d", kind, role, got, want)
					}
				}
			}
		})
	}
}

func TestWhoMayApply(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		option string
		want   [5]string // of allTypes: at once, waits, or refused
	}{
		{freeAccess, [5]string{"refused", "at once", "at once", "at once", "at once"}},
		{needPermission, [5]string{"refused", "waits", "waits", "at once", "waits"}},
		{disableApply, [5]string{"refused", "refused", "refused", "at once", "refused"}},
	} {
		for i, kind := range allTypes {
			atOnce, refusal := mayApply(kind, c.option)
			got := "waits"
			switch {
			case refusal != nil && refusal.Code != api.CodePermissionDenied:
				t.Errorf("%s, %s: code %d", kind, c.option, refusal.Code)
			case refusal != nil:
				got = "refused"
			case atOnce:
				got = "at once"
			}
			if got != c.want[i] {
				t.Errorf("%s, %s: %s, want %s", kind, c.option, got, c.want[i])
			}
		}
	}
}
