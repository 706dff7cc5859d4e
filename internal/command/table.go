package command

import "github.com/parley-im/parley/api"

// Table is all commands but send_group_msg, older names included. That one goes
// to the heart whatever is wrong with it, so each door reads it itself.
var Table = map[string]Command{
	api.CommandAccountImport:      does((*Commands).importAccount),
	api.CommandMultiaccountImport: does((*Commands).importAccounts),
	api.CommandAccountCheck:       does((*Commands).checkAccounts),
	api.CommandAccountDelete:      does((*Commands).deleteAccounts),

	api.CommandCreateGroup:         does((*Commands).createGroup),
	api.CommandDestroyGroup:        does((*Commands).destroyGroup),
	api.CommandGetGroupInfo:        does((*Commands).getGroups),
	api.CommandGetAppidGroupList:   does((*Commands).listGroups),
	api.CommandModifyGroupBaseInfo: does((*Commands).updateGroup),
	api.CommandChangeGroupOwner:    does((*Commands).changeOwner),

	api.CommandAddGroupMember:        does((*Commands).addMembers),
	api.CommandDeleteGroupMember:     does((*Commands).deleteMembers),
	api.CommandGetGroupMemberInfo:    does((*Commands).listMembers),
	api.CommandModifyGroupMemberInfo: does((*Commands).updateMember),
	api.CommandGetJoinedGroupList:    does((*Commands).listJoined),
	api.CommandGetRoleInGroup:        does((*Commands).getRoles),

	api.CommandForbidSendMsg:        does((*Commands).muteMembers),
	api.CommandGetGroupMutedAccount: does((*Commands).listMuted),
	api.CommandGetGroupShuttedUin:   older(does((*Commands).listMuted)),
	api.CommandSetNoSpeaking:        does((*Commands).muteAccount),
	api.CommandGetNoSpeaking:        does((*Commands).getAccountMutes),

	api.CommandGroupMsgGetSimple: does((*Commands).getHistory),
	api.CommandGroupMsgRecall:    does((*Commands).recall),

	api.CommandGetDirtyWords:    does((*Commands).getWords),
	api.CommandAddDirtyWords:    does((*Commands).addWords),
	api.CommandDeleteDirtyWords: does((*Commands).deleteWords),
}
