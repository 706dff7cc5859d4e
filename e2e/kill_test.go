package e2e

import (
	"fmt"
	"testing"
)

func TestKillUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e engine) {
		kills, pace := 3, 250
		if long {
			kills, pace = 12, 600
		}
		rc := ofApp(t, nil)
		flags := oneApp(e.place(t), rc, "--group-rate", "0")
		s := serve(t, nil, flags...)
		c := s.client()
		lobby(t, c)

		w := gather(t, 16, "lobby", "gagged", c)
		for i := range kills {
			w.awaitMore(pace)
			if i == kills/2 { // the app backend goes away, and is away while the server is killed
				rc.close()
				w.awaitMore(pace)
			}
			s.kill(t)
			s = serve(t, nil, flags...)
			w.repeat(s.client(), 20)
			w.move(0, s.client())
			if i == kills/2 {
				w.awaitMore(pace)
				rc.comeBack()
			}
		}
		w.awaitMore(pace)
		w.settle(s, rc)
		s.stop(t)
	})
}

func TestStopAndStartSendNothingAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e engine) {
		rc := ofApp(t, nil)
		flags := oneApp(e.place(t), rc)
		refused := func(s *server, random uint32) received {
			t.Helper()
			_, err := s.client().SendGroupMsg(t.Context(), say("nowhere", appAdmin, random, "hello"))
			return rc.event(t, eventOf(err))
		}
		s := serve(t, nil, flags...)
		for i := range uint32(5) {
			refused(s, i)
		}
		// Attempts that a stop breaks off are made again; here they have all come back.
		delivered := fmt.Sprintf(`parley_delivery_attempts_total{app="%d",endpoint="primary",result="delivered"}`, appID)
		eventually(t, "all callbacks are delivered", func() bool { return s.metrics(t)[delivered] == 5 })
		s.stop(t)
		s = serve(t, nil, flags...)
		last := refused(s, 5).Delivery
		if last.Sequence != 6 || last.Previous != 5 || last.Settled != 5 || last.Attempt != 1 {
			t.Errorf("%+v", last)
		}
		s.stop(t)
		if n := len(rc.all()); n != 6 {
			t.Errorf("%d callbacks for 6 exceptions", n)
		}
	})
}
