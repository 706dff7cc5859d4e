package rest

import (
	"net/http/httptest"
	"testing"

	"github.com/parley-im/parley/api"
	"pgregory.net/rapid"
)

func TestPropertyAnswerWrittenByHandIsTheShapes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seconds, seq := rapid.Int64().Draw(t, "seconds"), rapid.Uint64().Draw(t, "seq")
		hand, shape := httptest.NewRecorder(), httptest.NewRecorder()
		writeSent(hand, seconds, seq)
		writeAnswer(shape, api.SendGroupMsgResponse{Answer: api.NewAnswer(api.CodeOK, ""), MsgTime: seconds, MsgSeq: seq})
		if hand.Body.String() != shape.Body.String() {
			t.Fatalf("%s, the shape is %s", hand.Body, shape.Body)
		}
	})
}
