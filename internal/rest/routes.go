package rest

import (
	"net/http"

	"github.com/parley-im/parley/api"
)

// route answers a call whose caller is known.
type route func(h *handler, w http.ResponseWriter, r *http.Request, c call)

// routes are all commands, older names included. send_group_msg is not among
// the simple ones: from the caller's rank on, whatever is wrong with it is a
// refused send.
var routes = map[string]route{
	api.CommandAccountImport:      simple((*handler).importAccount),
	api.CommandMultiaccountImport: simple((*handler).importAccounts),
	api.CommandAccountCheck:       simple((*handler).checkAccounts),
	api.CommandAccountDelete:      simple((*handler).deleteAccounts),

	api.CommandCreateGroup:         simple((*handler).createGroup),
	api.CommandDestroyGroup:        simple((*handler).destroyGroup),
	api.CommandGetGroupInfo:        simple((*handler).getGroups),
	api.CommandGetAppidGroupList:   simple((*handler).listGroups),
	api.CommandModifyGroupBaseInfo: simple((*handler).updateGroup),
	api.CommandChangeGroupOwner:    simple((*handler).changeOwner),

	api.CommandAddGroupMember:        simple((*handler).addMembers),
	api.CommandDeleteGroupMember:     simple((*handler).deleteMembers),
	api.CommandGetGroupMemberInfo:    simple((*handler).listMembers),
	api.CommandModifyGroupMemberInfo: simple((*handler).updateMember),
	api.CommandGetJoinedGroupList:    simple((*handler).listJoined),
	api.CommandGetRoleInGroup:        simple((*handler).getRoles),

	api.CommandForbidSendMsg:        simple((*handler).muteMembers),
	api.CommandGetGroupMutedAccount: simple((*handler).listMuted),
	api.CommandGetGroupShuttedUin:   simple((*handler).listMuted), // older name
	api.CommandSetNoSpeaking:        simple((*handler).muteAccount),
	api.CommandGetNoSpeaking:        simple((*handler).getAccountMutes),

	api.CommandSendGroupMsg:      (*handler).sendGroupMsg,
	api.CommandGroupMsgGetSimple: simple((*handler).getHistory),
	api.CommandGroupMsgRecall:    simple((*handler).recall),

	api.CommandGetDirtyWords:    simple((*handler).getWords),
	api.CommandAddDirtyWords:    simple((*handler).addWords),
	api.CommandDeleteDirtyWords: simple((*handler).deleteWords),
}

// controlRoutes are the addresses beside the commands.
func (h *handler) controlRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/apps", h.controlled(h.listApps))
	mux.HandleFunc("POST /v1/apps", h.controlled(h.addApp))
	mux.HandleFunc("PATCH /v1/apps/{app}", h.controlled(h.changeApp))
	mux.HandleFunc("DELETE /v1/apps/{app}", h.controlled(h.removeApp))
	mux.HandleFunc("POST /v1/apps/{app}/rotate-key", h.controlled(h.rotateKey))
	mux.HandleFunc("GET /healthz", health(h.Healthy))
	mux.HandleFunc("GET /readyz", health(h.Ready))
	return mux
}
