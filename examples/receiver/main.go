// Command receiver prints every group message that was not delivered.
//
//	go run ./examples/receiver -app 1400000001 -token SECRET
//
// Configure http://HOST:8090/callback as the callback URL of the app and switch
// Group.CallbackSendMsgException on.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/parley-im/parley/callback"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8090", "address to listen on")
	app := flag.Int64("app", 0, "SdkAppid of the app")
	token := flag.String("token", "", "callback token; without it no signature is demanded")
	flag.Parse()

	receiver := &callback.Receiver{
		Apps: map[int64][]string{*app: nil},
		OnEvent: func(_ context.Context, ev *callback.Event) error {
			if failed, ok := ev.Body.(*callback.SendMsgException); ok {
				log.Printf("%s -> %s: %d %s: %q", failed.FromAccount, failed.GroupID,
					failed.ErrorCode, failed.ErrorInfo, callback.Text(failed.MsgBody))
			}
			return nil // a program that keeps events returns nil once they are stored
		},
		OnRefused: func(r callback.Refused) { log.Printf("refused a callback from %s: %s", r.RemoteAddr, r.Reason.Text()) },
	}
	if *token != "" {
		receiver.Apps[*app] = []string{*token}
	}
	http.Handle("/callback", receiver)
	server := &http.Server{Addr: *listen, ReadTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	log.Printf("listening on http://%s/callback", *listen)
	log.Fatal(server.ListenAndServe())
}
