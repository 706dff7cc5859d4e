package e2e

import (
	"testing"

	"github.com/parley-im/parley/api"
)

func TestKillUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	kills, pace := 3, 250
	if long {
		kills, pace = 12, 600
	}
	rc := ofApp(t, nil)
	flags := oneApp(t.TempDir(), rc, "--group-rate", "0")
	s := serve(t, nil, flags...)
	c := s.client()
	accounts(t, c, "gagged")
	group(t, c, api.TypePublic, "lobby", "gagged")
	if _, err := c.ForbidSendMsg(t.Context(), api.ForbidSendMsgRequest{GroupId: "lobby", Members_Account: []string{"gagged"}, MuteTime: ptr(uint32(api.Forever))}); err != nil {
		t.Fatal(err)
	}

	w := gather(t, 16, c, "lobby", "gagged")
	for i := range kills {
		w.awaitMore(pace)
		if i == kills/2 { // the app backend goes away, and is away while the server is killed
			rc.close()
			w.awaitMore(pace)
		}
		s.kill(t)
		s = serve(t, nil, flags...)
		w.repeat(s.client(), 20)
		w.move(s.client())
		if i == kills/2 {
			w.awaitMore(pace)
			rc.comeBack()
		}
	}
	w.awaitMore(pace)
	w.settle(s, rc)
	s.stop(t)
}
