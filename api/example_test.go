package api_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/usersig"
)

// A refused send says why, and what to do about it.
func ExampleClient_SendGroupMsg() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(api.HeaderRetryAfter, "1")
		fmt.Fprint(w, `{"ActionStatus":"FAIL","ErrorCode":10023,"ErrorInfo":"msg count exceeds limit,please retry later"}`)
	}))
	defer server.Close()

	client := &api.Client{
		BaseURL:    server.URL,
		SDKAppID:   1400000000,
		Identifier: "administrator",
		UserSig: func(userID string) (string, error) {
			return usersig.Make(1400000000, "the secret key of the app", userID, time.Hour)
		},
		HTTP: &http.Client{Timeout: 10 * time.Second, Transport: server.Client().Transport},
	}
	_, err := client.SendGroupMsg(context.Background(), api.SendGroupMsgRequest{
		GroupId:      "@TGS#2J4SZEAEL",
		From_Account: "jared",
		Random:       new(rand.Uint32()),
		MsgBody:      []api.Element{api.Text("red packet")},
	})
	if refusal, ok := errors.AsType[*api.Error](err); ok {
		info, _ := refusal.Code.Info()
		fmt.Println(info.Name, info.Advice, refusal.RetryAfter)
	}
	// Output: send_too_often wait 1s
}
