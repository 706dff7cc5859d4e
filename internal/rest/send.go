package rest

import (
	"net/http"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/wire"
)

// platform is the OptPlatform of every send over REST (document 1047/34354).
const platform = "RESTAPI"

// sendGroupMsg hands a send to the heart. Its caller is known: whatever is
// wrong from here on is a refused send, with an exception of its own.
func (h *handler) sendGroupMsg(w http.ResponseWriter, r *http.Request, c call) {
	s := &chat.Send{App: c.App.ID, Caller: c.Caller, Entry: chat.EntryREST, Platform: platform, ClientIP: c.ClientIP, Priority: chat.Normal}
	if r.Method != http.MethodPost { // see admit
		s.Fault = chat.Fail(api.CodeHTTPParse)
	} else if body, refusal := readBody(w, r); refusal != nil {
		s.Fault = refusal
	} else {
		wire.ReadSend(body, s)
	}
	outcome, err := h.backend.Send(r.Context(), s)
	if err != nil {
		h.writeError(w, r, c, err)
		return
	}
	if outcome.Event != "" {
		w.Header().Set(api.HeaderEventID, outcome.Event)
	}
	if outcome.Unanswered {
		w.Header().Set(api.HeaderBeforeSend, api.BeforeSendUnanswered)
	}
	if outcome.Kind == chat.Refused {
		writeFailure(w, outcome.Refusal)
		return
	}
	if outcome.Kind == chat.Dropped && outcome.Refusal != nil {
		writeAnswer(w, api.SendGroupMsgResponse{Answer: api.NewAnswer(api.CodeOK, ""), MsgTime: outcome.Time, MsgDropReason: api.DropFrequency})
		return
	}
	writeSent(w, outcome.Time, uint64(outcome.Seq))
}
