package demo

import (
	"context"
	"fmt"

	"github.com/parley-im/parley/api"
)

// The app of the chat page. Its sends are counted apart from those of the
// crowd, whose books must agree.
const (
	pageAppID   = 1_400_000_002
	pageRate    = 10 // messages a second in one group, so that one person can go over it
	pageGone    = "old-lounge"
	pageMuted   = "carol" // in the lounge, for good
	pageMutedIn = "lounge"
)

// guests are the users that the chat page offers, with their names.
var guests = []struct{ user, nick string }{
	{"alice", "Alice"}, {"bob", "Bob"}, {"carol", "Carol"}, {"dave", "Dave"}, {"minjun", "민준"}, {"lihua", "李华"},
}

// lounges are the groups that the chat page begins with. Nobody can be put into
// an AVChatRoom: its guests join by themselves.
var lounges = []struct {
	id, kind, name, owner string
	members               []string
}{
	{pageMutedIn, api.TypePublic, "Lounge", "alice", []string{"bob", "carol", "dave", "minjun", "lihua"}},
	{"kitchen", api.TypePrivate, "Kitchen", "bob", []string{"alice", "carol"}},
	{"stage", api.TypeAVChatRoom, "Stage", "alice", nil},
}

// furnish makes the accounts and groups of the chat page, its filter word and
// its mute.
func (w *world) furnish(ctx context.Context) error {
	var accounts api.MultiaccountImportRequest
	for _, g := range guests {
		accounts.AccountList = append(accounts.AccountList, api.AccountImportRequest{UserID: &g.user, Nick: &g.nick})
	}
	imported, err := w.client.MultiaccountImport(ctx, accounts)
	if err != nil {
		return err
	}
	if len(imported.FailAccounts) > 0 {
		return fmt.Errorf("accounts %q could not be made", imported.FailAccounts)
	}
	for _, l := range lounges {
		group := api.CreateGroupRequest{GroupId: l.id, Type: l.kind, Name: l.name, Owner_Account: l.owner}
		if l.kind == api.TypePublic {
			group.ApplyJoinOption = "FreeAccess"
		}
		for _, user := range l.members {
			group.MemberList = append(group.MemberList, api.CreateGroupMember{Member_Account: user})
		}
		if _, err := w.client.CreateGroup(ctx, group); err != nil {
			return fmt.Errorf("group %s: %w", l.id, err)
		}
	}
	if _, err := w.client.CreateGroup(ctx, api.CreateGroupRequest{GroupId: pageGone, Type: api.TypePublic, Name: "Old lounge", Owner_Account: "alice"}); err != nil {
		return fmt.Errorf("group %s: %w", pageGone, err)
	}
	if _, err := w.client.DestroyGroup(ctx, api.DestroyGroupRequest{GroupId: pageGone}); err != nil {
		return fmt.Errorf("group %s: %w", pageGone, err)
	}
	if _, err := w.client.AddDirtyWords(ctx, api.AddDirtyWordsRequest{DirtyWordsList: []string{forbidden}}); err != nil {
		return err
	}
	forever := uint32(api.Forever)
	_, err = w.client.ForbidSendMsg(ctx, api.ForbidSendMsgRequest{GroupId: pageMutedIn, Members_Account: []string{pageMuted}, MuteTime: &forever})
	return err
}
