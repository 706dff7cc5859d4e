package e2e

import (
	"testing"

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
