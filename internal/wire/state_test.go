package wire_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/wire"
)

func TestStateChangeIsWrittenAsPublished(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		action, reason string
		user           string
		kicked         []string
		body           string
		want           callback.StateChange
	}{
		"a login": {"Login", "Register", "jared", nil,
			`{"CallbackCommand":"State.StateChange","EventTime":1700000000123,"Info":{"Action":"Login","Reason":"Register","To_Account":"jared"}}`,
			callback.StateChange{CallbackCommand: callback.CmdStateChange, EventTime: 1700000000123, Info: callback.StateInfo{Action: "Login", Reason: "Register", ToAccount: "jared"}}},
		"a login that others give way to": {"Login", "Register", "红\"\x00", []string{"iOS", "Web", "Android"},
			`{"CallbackCommand":"State.StateChange","EventTime":1700000000123,"Info":{"Action":"Login","Reason":"Register","To_Account":"红\"\u0000"},` +
				`"KickedDevice":[{"Platform":"IOS"},{"Platform":"Web"},{"Platform":"Android"}]}`,
			callback.StateChange{CallbackCommand: callback.CmdStateChange, EventTime: 1700000000123, Info: callback.StateInfo{Action: "Login", Reason: "Register", ToAccount: "红\"\x00"},
				KickedDevice: []callback.KickedDevice{{Platform: "IOS"}, {Platform: "Web"}, {Platform: "Android"}}}},
		"a connection that was lost": {"Disconnect", "LinkClose", "jared", []string{},
			`{"CallbackCommand":"State.StateChange","EventTime":1700000000123,"Info":{"Action":"Disconnect","Reason":"LinkClose","To_Account":"jared"}}`,
			callback.StateChange{CallbackCommand: callback.CmdStateChange, EventTime: 1700000000123, Info: callback.StateInfo{Action: "Disconnect", Reason: "LinkClose", ToAccount: "jared"}}},
	} {
		body := wire.StateChange(c.action, c.reason, chat.UserID(c.user), c.kicked, 1700000000123)
		if string(body) != c.body {
			t.Errorf("%s\n got %s\nwant %s", name, body, c.body)
		}
		got, err := callback.Decode(callback.CmdStateChange, body)
		if err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff(any(&c.want), got); diff != "" {
			t.Errorf("%s, as a receiver reads it:\n%s", name, diff)
		}
	}
}

// Every other command writes iOS.
func TestStateChangeAloneSpellsIOS(t *testing.T) {
	t.Parallel()
	for platform, want := range map[string]string{"iOS": "IOS", "Android": "Android", "Web": "Web", "": ""} {
		if got := wire.StatePlatform(platform); got != want {
			t.Errorf("%q is spelled %q", platform, got)
		}
	}
}
