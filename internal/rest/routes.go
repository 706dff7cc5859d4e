package rest

import (
	"net/http"
	"reflect"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/command"
	"github.com/parley-im/parley/internal/manage"
)

// route answers a call whose caller is known.
type route func(h *handler, w http.ResponseWriter, r *http.Request, c call)

// entry is a command of the door. Its shapes go into the description of the
// server.
type entry struct {
	answer            route
	request, response reflect.Type
	older             bool // an older name of another command
}

// routes are all commands, older names included. send_group_msg is not among
// the simple ones: from the caller's rank on, whatever is wrong with it is a
// refused send.
var routes = func() map[string]entry {
	all := map[string]entry{api.CommandSendGroupMsg: {
		answer:  (*handler).sendGroupMsg,
		request: reflect.TypeFor[api.SendGroupMsgRequest](), response: reflect.TypeFor[api.SendGroupMsgResponse](),
	}}
	for name, c := range command.Table {
		if c.Admin {
			all[name] = entry{answer: simple(&c), request: c.Request, response: c.Response, older: c.Older}
		}
	}
	return all
}()

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
