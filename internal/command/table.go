package command

import "github.com/parley-im/parley/api"

// Table is all commands but send_group_msg, older names included. That one goes
// to the heart whatever is wrong with it, so each door reads it itself. logout is
// the client door's own.
var Table = map[string]Command{
	api.CommandAccountImport:      does((*Commands).importAccount),
	api.CommandMultiaccountImport: does((*Commands).importAccounts),
	api.CommandAccountCheck:       does((*Commands).checkAccounts),
	api.CommandAccountDelete:      does((*Commands).deleteAccounts),
	api.CommandKick:               does((*Commands).kick),

	api.CommandCreateGroup:         both(does((*Commands).createGroup)),
	api.CommandDestroyGroup:        both(does((*Commands).destroyGroup)),
	api.CommandGetGroupInfo:        both(does((*Commands).getGroups)),
	api.CommandGetAppidGroupList:   does((*Commands).listGroups),
	api.CommandModifyGroupBaseInfo: both(does((*Commands).updateGroup)),
	api.CommandChangeGroupOwner:    both(does((*Commands).changeOwner)),

	api.CommandAddGroupMember:        both(does((*Commands).addMembers)),
	api.CommandDeleteGroupMember:     both(does((*Commands).deleteMembers)),
	api.CommandGetGroupMemberInfo:    both(does((*Commands).listMembers)),
	api.CommandModifyGroupMemberInfo: both(does((*Commands).updateMember)),
	api.CommandGetJoinedGroupList:    both(does((*Commands).listJoined)),
	api.CommandGetRoleInGroup:        both(does((*Commands).getRoles)),

	api.CommandForbidSendMsg:        both(does((*Commands).muteMembers)),
	api.CommandGetGroupMutedAccount: both(does((*Commands).listMuted)),
	api.CommandGetGroupShuttedUin:   older(does((*Commands).listMuted)),
	api.CommandSetNoSpeaking:        does((*Commands).muteAccount),
	api.CommandGetNoSpeaking:        does((*Commands).getAccountMutes),

	api.CommandGroupMsgGetSimple: both(does((*Commands).getHistory)),
	api.CommandGroupMsgRecall:    both(does((*Commands).recall)),

	api.CommandGetDirtyWords:    does((*Commands).getWords),
	api.CommandAddDirtyWords:    does((*Commands).addWords),
	api.CommandDeleteDirtyWords: does((*Commands).deleteWords),

	api.ClientApplyJoinGroup:          own(does((*Commands).applyJoin)),
	api.ClientGetGroupApplicationList: own(does((*Commands).listApplications)),
	api.ClientHandleApplyJoinGroup:    own(does((*Commands).handleApplication)),
	api.ClientQuitGroup:               own(does((*Commands).quit)),
	api.ClientMsgRead:                 own(does((*Commands).read)),
	api.ClientGetSelfMute:             own(does((*Commands).getSelfMute)),
}
