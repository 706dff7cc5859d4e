package rest

import (
	"context"
	"net/http"
	"reflect"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/manage"
)

// route answers a call whose caller is known.
type route func(h *handler, w http.ResponseWriter, r *http.Request, c call)

// entry is a command of the route table. Its shapes, structs of package api, go
// into the description of the server.
type entry struct {
	answer            route
	request, response reflect.Type
	older             bool // an older name of another command
}

// does is the entry of a simple command. The shapes are those of its function.
func does[Request, Answer any](do func(*handler, context.Context, call, *Request) (Answer, error)) entry {
	return entry{answer: simple(do), request: reflect.TypeFor[Request](), response: reflect.TypeFor[Answer]()}
}

func older(e entry) entry {
	e.older = true
	return e
}

// routes are all commands, older names included. send_group_msg is not among
// the simple ones: from the caller's rank on, whatever is wrong with it is a
// refused send.
var routes = map[string]entry{
	api.CommandAccountImport:      does((*handler).importAccount),
	api.CommandMultiaccountImport: does((*handler).importAccounts),
	api.CommandAccountCheck:       does((*handler).checkAccounts),
	api.CommandAccountDelete:      does((*handler).deleteAccounts),

	api.CommandCreateGroup:         does((*handler).createGroup),
	api.CommandDestroyGroup:        does((*handler).destroyGroup),
	api.CommandGetGroupInfo:        does((*handler).getGroups),
	api.CommandGetAppidGroupList:   does((*handler).listGroups),
	api.CommandModifyGroupBaseInfo: does((*handler).updateGroup),
	api.CommandChangeGroupOwner:    does((*handler).changeOwner),

	api.CommandAddGroupMember:        does((*handler).addMembers),
	api.CommandDeleteGroupMember:     does((*handler).deleteMembers),
	api.CommandGetGroupMemberInfo:    does((*handler).listMembers),
	api.CommandModifyGroupMemberInfo: does((*handler).updateMember),
	api.CommandGetJoinedGroupList:    does((*handler).listJoined),
	api.CommandGetRoleInGroup:        does((*handler).getRoles),

	api.CommandForbidSendMsg:        does((*handler).muteMembers),
	api.CommandGetGroupMutedAccount: does((*handler).listMuted),
	api.CommandGetGroupShuttedUin:   older(does((*handler).listMuted)),
	api.CommandSetNoSpeaking:        does((*handler).muteAccount),
	api.CommandGetNoSpeaking:        does((*handler).getAccountMutes),

	api.CommandSendGroupMsg: {
		answer:  (*handler).sendGroupMsg,
		request: reflect.TypeFor[api.SendGroupMsgRequest](), response: reflect.TypeFor[api.SendGroupMsgResponse](),
	},
	api.CommandGroupMsgGetSimple: does((*handler).getHistory),
	api.CommandGroupMsgRecall:    does((*handler).recall),

	api.CommandGetDirtyWords:    does((*handler).getWords),
	api.CommandAddDirtyWords:    does((*handler).addWords),
	api.CommandDeleteDirtyWords: does((*handler).deleteWords),
}

// controlRoutes are the addresses beside the commands: the operations, and what
// anybody may look at.
func (h *handler) controlRoutes() http.Handler {
	mux := http.NewServeMux()
	for i := range manage.Operations {
		o := &manage.Operations[i]
		mux.HandleFunc(o.Method+" /v1"+o.Path, h.controlled(o))
	}
	mux.HandleFunc("GET /healthz", health(h.Healthy))
	mux.HandleFunc("GET /readyz", health(h.Ready))
	mux.HandleFunc("GET /openapi.json", serveOpenAPI(openAPI()))
	return mux
}
