package callback_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/parley-im/parley/callback"
)

func ExampleReceiver() {
	receiver := &callback.Receiver{
		Apps: map[int64][]string{1400000001: {"callback-token"}},
		OnEvent: func(_ context.Context, ev *callback.Event) error {
			if failed, ok := ev.Body.(*callback.SendMsgException); ok {
				fmt.Printf("%s could not write to %s: %s (%d)\n", failed.FromAccount, failed.GroupID, failed.ErrorInfo, failed.ErrorCode)
			}
			return nil // stored; an error makes the sender try again
		},
		OnRefused: func(r callback.Refused) { fmt.Println("refused:", r.Reason.Text()) },
	}
	server := httptest.NewServer(receiver)
	defer server.Close()

	now := time.Now().Unix()
	for _, token := range []string{"callback-token", "guessed"} {
		resp, err := http.Post(fmt.Sprintf("%s/?SdkAppid=1400000001&CallbackCommand=Group.CallbackSendMsgException&Sign=%s&RequestTime=%d",
			server.URL, callback.Sign(token, now), now), "application/json", strings.NewReader(
			`{"CallbackCommand":"Group.CallbackSendMsgException","GroupId":"lobby","From_Account":"carol","ErrorCode":10017,"ErrorInfo":"sender is muted"}`))
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Println(resp.StatusCode, string(body))
	}
	// Output:
	// carol could not write to lobby: sender is muted (10017)
	// 200 {"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}
	// refused: wrong Sign
	// 401 {"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"wrong Sign"}
}

func ExampleReceiver_beforeSendMsg() {
	receiver := &callback.Receiver{
		Apps: map[int64][]string{1400000001: nil},
		OnBeforeSendMsg: func(_ context.Context, question *callback.BeforeSendMsg) callback.Verdict {
			if strings.Contains(callback.Text(question.MsgBody), "http://") {
				return callback.RefuseWith(10101, "links are not allowed here")
			}
			return callback.Allow()
		},
	}
	w := httptest.NewRecorder()
	receiver.ServeHTTP(w, httptest.NewRequest("POST", "/?SdkAppid=1400000001&CallbackCommand=Group.CallbackBeforeSendMsg",
		strings.NewReader(`{"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"see http://example.com"}}]}`)))
	fmt.Println(w.Body)
	// Output:
	// {"ActionStatus":"OK","ErrorCode":10101,"ErrorInfo":"links are not allowed here"}
}

// A receiver that misses nothing: what is not called back is fetched.
func ExampleFill() {
	var saved callback.TrackerState // as Save stored it in the last life, from a file for example
	fill := &callback.Fill{
		Tracker: callback.NewTracker(saved),
		Backfill: &callback.Backfill{
			BaseURL: "https://chat.example.com", App: 1400000001, Token: "read-only token", Endpoint: "primary",
		},
		OnEvent: func(_ context.Context, ev *callback.Event) error {
			fmt.Println(ev.Delivery.Epoch, ev.Delivery.ID, ev.Backfilled)
			return nil // it is stored
		},
		Save:      func(_ context.Context, s callback.TrackerState) error { saved = s; return nil },
		OnExpired: func(e callback.Expired) { fmt.Println("lost:", e.First, "to", e.Last) },
	}
	secret, err := callback.ParseWebhookKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	receiver := &callback.Receiver{
		Apps:    map[int64][]string{1400000001: nil},
		Keys:    map[int64][]callback.WebhookKey{1400000001: {secret}},
		OnEvent: fill.Deliver,
	}
	// go fill.Run(ctx)

	body := `{"CallbackCommand":"Group.CallbackSendMsgException","GroupId":"lobby","ErrorCode":10017}`
	for range 2 { // its sender did not hear the first answer
		r := httptest.NewRequest("POST", "/?SdkAppid=1400000001&CallbackCommand=Group.CallbackSendMsgException", strings.NewReader(body))
		d := callback.Delivery{ID: "evt_7", Epoch: "e", Sequence: 7, Previous: 5, Timestamp: time.Now().Unix()}
		d.SetHeaders(r.Header)
		r.Header.Set(callback.HeaderSignature, callback.SignWebhook(d.ID, d.Timestamp, []byte(body), secret))
		w := httptest.NewRecorder()
		receiver.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	fmt.Println("complete up to", fill.Tracker.Position())
	// Output:
	// e evt_7 false
	// 200
	// 200
	// complete up to 0
}

func ExampleTracker() {
	tracker := callback.NewTracker(callback.TrackerState{})
	for _, d := range []callback.Delivery{
		{Epoch: "e", Sequence: 4},
		{Epoch: "e", Sequence: 9, Previous: 7, Settled: 4}, // 7 may be on its way
		{Epoch: "e", Sequence: 12, Previous: 9, Settled: 9},
	} {
		tracker.Delivered(d)
		fmt.Println(d.Sequence, tracker.Missing())
	}
	// Output:
	// 4 []
	// 9 []
	// 12 [{5 7 true}]
}

func ExampleSign() {
	fmt.Println(callback.Sign("xxxxyyyy", 1669872112))
	// Output:
	// 17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061
}

func ExampleDecode() {
	body, err := callback.Decode(callback.CmdGroupSendMsgException, []byte(`{"ErrorCode":10023,"EventTime":"1670574414123"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	failed := body.(*callback.SendMsgException)
	fmt.Println(failed.ErrorCode, failed.EventTime.Time().Format(time.RFC3339))
	// Output:
	// 10023 2022-12-09T08:26:54Z
}
