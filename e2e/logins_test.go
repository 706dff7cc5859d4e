package e2e

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/callback"
)

// An endpoint may ask for logins and logouts alone, and its sample is one.
func TestEndpointMayAskForLoginsAlone(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e engine) {
		s := serve(t, nil, oneApp(e.place(t), ofApp(t, nil))...)
		o := s.operator(t)
		logins := ofApp(t, nil)
		has(t, "add", o.types(t, "endpoints", "add", "logins", "--url", logins.url, "--callback-token-file", write(t, "callback-token", appToken),
			"--commands", string(callback.CmdStateChange)), string(callback.CmdStateChange))
		has(t, "test", o.types(t, "endpoints", "test", "logins"), "HTTP 200", "delivered")
		list := logins.all()
		if len(list) != 1 || list[0].Command != callback.CmdStateChange {
			t.Errorf("the sample is %+v", list)
		}
		s.phone(t, "mei", "iOS")
		logins.await(t, "a login", func() bool { return len(logins.list) >= 2 })
		has(t, "list", o.types(t, "events", "list"), "State.StateChange Login")
		if n, ok := s.metrics(t)["parley_unannounced_events_total"]; !ok || n != 0 {
			t.Errorf("%v events were dropped, %v", n, ok)
		}
		s.stop(t)
	})
}

// What a user's connections do is an event like any other: it is delivered, and
// whoever looks for it finds it, by commands, by the API and in the console.
func TestLoginsAndLogoutsOfConnectionsAreShown(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e engine) {
		s := serve(t, nil, oneApp(e.place(t), ofApp(t, nil))...)
		accounts(t, s.client(), "mei")
		o := s.operator(t)
		logins := ofApp(t, nil)
		o.types(t, "endpoints", "add", "logins", "--url", logins.url, "--callback-token-file", write(t, "callback-token", appToken),
			"--commands", string(callback.CmdStateChange))
		p := s.phone(t, "mei", "iOS")
		if a := p.call(t, "logout", `{}`); a.ErrorCode != 0 {
			t.Fatalf("logout: %s", a.text)
		}
		logins.waitHead(t, appID, 2)

		page, err := s.client().Events(t.Context(), api.EventsRequest{Command: string(callback.CmdStateChange), From: "mei"})
		if err != nil || len(page.Events) != 2 {
			t.Fatalf("%d events, %v", len(page.Events), err)
		}
		listed := o.types(t, "events", "list", "--command", string(callback.CmdStateChange), "--json")
		for i, action := range []string{"Login", "Logout"} {
			ev := page.Events[i]
			var body callback.StateChange
			if err := json.Unmarshal(ev.Body, &body); err != nil || body.Info.Action != action || body.Info.ToAccount != "mei" {
				t.Errorf("event %d says %s, %v", i+1, ev.Body, err)
			}
			if ev.FromAccount != "mei" || ev.ClientIP != "127.0.0.1" || ev.OptPlatform != "IOS" || ev.ErrorCode != 0 {
				t.Errorf("event %d: %+v", i+1, ev)
			}
			if came := logins.event(t, ev.EventId); came.Command != callback.CmdStateChange || came.Delivery.Sequence != ev.Sequence {
				t.Errorf("event %d arrived as %+v", i+1, came)
			}
			has(t, "the list", listed, ev.EventId)
			has(t, "show", o.types(t, "events", "show", ev.EventId), string(callback.CmdStateChange), action, "mei", "endpoint logins", "endpoint primary  unwanted")
			has(t, "the console", s.console(t, "GET", fmt.Sprintf("/apps/%d/v1/events/%s", appID, ev.EventId), ""), string(callback.CmdStateChange), action)
		}
		s.stop(t)
	})
}
