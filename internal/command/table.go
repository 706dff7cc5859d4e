package command

import "github.com/parley-im/parley/api"

// Table is all commands but send_group_msg, older names included. That one goes
// to the heart whatever is wrong with it, so each door reads it itself. logout is
// the client door's own.
var Table = map[string]Command{
	api.CommandAccountImport:      changes(does((*Commands).importAccount)),
	api.CommandMultiaccountImport: changes(does((*Commands).importAccounts)),
	api.CommandAccountCheck:       does((*Commands).checkAccounts),
	api.CommandAccountDelete:      changes(does((*Commands).deleteAccounts)),
	api.CommandKick:               changes(does((*Commands).kick)),

	api.CommandCreateGroup:         both(changes(does((*Commands).createGroup))),
	api.CommandDestroyGroup:        both(changes(does((*Commands).destroyGroup))),
	api.CommandGetGroupInfo:        both(does((*Commands).getGroups)),
	api.CommandGetAppidGroupList:   does((*Commands).listGroups),
	api.CommandModifyGroupBaseInfo: both(changes(does((*Commands).updateGroup))),
	api.CommandChangeGroupOwner:    both(changes(does((*Commands).changeOwner))),

	api.CommandAddGroupMember:        both(changes(does((*Commands).addMembers))),
	api.CommandDeleteGroupMember:     both(changes(does((*Commands).deleteMembers))),
	api.CommandGetGroupMemberInfo:    both(does((*Commands).listMembers)),
	api.CommandModifyGroupMemberInfo: both(changes(does((*Commands).updateMember))),
	api.CommandGetJoinedGroupList:    both(does((*Commands).listJoined)),
	api.CommandGetRoleInGroup:        both(does((*Commands).getRoles)),

	api.CommandForbidSendMsg:        both(changes(does((*Commands).muteMembers))),
	api.CommandGetGroupMutedAccount: both(does((*Commands).listMuted)),
	api.CommandGetGroupShuttedUin:   older(does((*Commands).listMuted)),
	api.CommandSetNoSpeaking:        changes(does((*Commands).muteAccount)),
	api.CommandGetNoSpeaking:        does((*Commands).getAccountMutes),

	api.CommandGroupMsgGetSimple: both(does((*Commands).getHistory)),
	api.CommandGroupMsgRecall:    both(changes(does((*Commands).recall))),

	api.CommandGetDirtyWords:    does((*Commands).getWords),
	api.CommandAddDirtyWords:    changes(does((*Commands).addWords)),
	api.CommandDeleteDirtyWords: changes(does((*Commands).deleteWords)),

	api.ClientApplyJoinGroup:          own(changes(does((*Commands).applyJoin))),
	api.ClientGetGroupApplicationList: own(does((*Commands).listApplications)),
	api.ClientHandleApplyJoinGroup:    own(changes(does((*Commands).handleApplication))),
	api.ClientQuitGroup:               own(changes(does((*Commands).quit))),
	api.ClientMsgRead:                 own(does((*Commands).read)),
	api.ClientGetSelfMute:             own(does((*Commands).getSelfMute)),
}
