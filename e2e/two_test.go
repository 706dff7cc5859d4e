package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/pgtest"
)

// pair starts two processes on one new database.
func pair(t *testing.T, rc *receiver, more ...string) (flags []string, two [2]*server) {
	t.Helper()
	flags = oneApp(database(pgtest.Database(t)), rc, append([]string{"--group-rate", "0"}, more...)...)
	for i := range two {
		two[i] = serve(t, nil, flags...)
	}
	return flags, two
}

const delivers = "this process delivers the callbacks"

// deliverer waits until one of the servers says that it delivers, and says which.
func deliverer(t *testing.T, two [2]*server) (i int) {
	t.Helper()
	eventually(t, "one of them delivers", func() bool {
		for i = range two {
			if strings.Contains(two[i].stderr.String(), delivers) {
				return true
			}
		}
		return false
	})
	return i
}

// delivered is how many callbacks a server has delivered.
func (s *server) delivered(t *testing.T) int {
	t.Helper()
	return int(s.metrics(t)[fmt.Sprintf(`parley_delivery_attempts_total{app="%d",endpoint="primary",result="delivered"}`, appID)])
}

func TestTwoProcessesShareADatabaseAndOneIsKilled(t *testing.T) {
	t.Parallel()
	kills, pace := 2, 100
	if long {
		kills, pace = 10, 500
	}
	rc := ofApp(t, nil)
	flags, two := pair(t, rc)
	lobby(t, two[0].client())
	w := gather(t, 16, "lobby", "gagged", two[0].client(), two[1].client())
	for range kills {
		w.awaitMore(pace)
		gone := deliverer(t, two)
		left := 1 - gone
		if n := two[left].delivered(t); n != 0 {
			t.Errorf("%d callbacks were delivered by the process whose turn it is not", n)
		}
		// What one accepted the other knows.
		w.repeat(two[left].client(), 20)
		w.repeat(two[gone].client(), 20)

		two[gone].kill(t)
		killed := time.Now()
		w.move(gone, two[left].client())
		w.repeat(two[left].client(), 20)
		two[left].stderr.await(t, "the other one takes over", func() bool { return strings.Contains(two[left].stderr.text.String(), delivers) })
		took := time.Since(killed)
		if t.Logf("taken over after %v", took.Round(time.Millisecond)); took > 10*time.Second {
			t.Errorf("the other one took over after %v", took)
		}
		w.awaitMore(pace)
		two[gone] = serve(t, nil, flags...)
		w.move(gone, two[gone].client())
		w.awaitMore(pace)
		if n := two[gone].delivered(t); n != 0 {
			t.Errorf("%d callbacks were delivered by the process that came back", n)
		}
	}
	w.settle(two[0], rc)
	for _, s := range two {
		s.balance(t)
		s.stop(t)
	}
	// A kill repeats no more than what was delivered shortly before it.
	if again := len(rc.all()) - len(rc.events(t, appID)); again > kills*1000 {
		t.Errorf("%d events were delivered twice", again)
	}
}

// The process that delivers commits something just after an event of the other.
func TestEventOfAnotherProcessIsDeliveredWithoutAnotherEvent(t *testing.T) {
	t.Parallel()
	rc := ofApp(t, nil)
	_, two := pair(t, rc)
	group(t, two[0].client(), api.TypePublic, "lobby")
	own := two[deliverer(t, two)]
	other := two[0]
	if own == other {
		other = two[1]
	}
	for i := range uint32(10) {
		_, err := other.client().SendGroupMsg(t.Context(), say("nowhere", appAdmin, i, "hello"))
		if _, err := own.client().SendGroupMsg(t.Context(), say("lobby", appAdmin, i, "hello")); err != nil {
			t.Fatal(err)
		}
		rc.event(t, eventOf(err))
	}
	for _, s := range two {
		s.stop(t)
	}
}

func TestRepeatIsAnsweredByAnotherProcessAsByTheFirst(t *testing.T) {
	t.Parallel()
	_, two := pair(t, nil)
	group(t, two[0].client(), api.TypePublic, "lobby")
	for i := range uint32(50) {
		m := say("lobby", appAdmin, i, "said once")
		first, err := two[i%2].client().SendGroupMsg(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		for k := range 2 {
			again, err := two[k].client().SendGroupMsg(t.Context(), m)
			if err != nil || again.MsgSeq != first.MsgSeq || again.MsgTime != first.MsgTime {
				t.Errorf("%+v, then %+v, %v", first, again, err)
			}
		}
	}
	if list := history(t, two[1].client(), "lobby"); len(list) != 50 {
		t.Errorf("%d messages are stored", len(list))
	}
	for _, s := range two {
		s.stop(t)
	}
}

func TestAppsOfOneProcessAreKnownToTheOther(t *testing.T) {
	t.Parallel()
	const soon = 2 * time.Second
	_, two := pair(t, nil)
	for round := range 3 {
		a, b := two[round%2], two[1-round%2]
		id, key := int64(1500000000+round), "another-key-0123456789"
		if _, err := a.client().AddApp(t.Context(), api.NewApp{SDKAppID: id, Key: key, AppChange: api.AppChange{Admins: []string{appAdmin}}}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		works := func() bool {
			_, err := b.clientOf(id, key, appAdmin).ListApps(t.Context())
			return err == nil
		}
		eventually(t, "an app is usable through the other process", works)
		if took := time.Since(began); took > soon {
			t.Errorf("an app was usable through the other process after %v", took)
		}
		if _, err := a.clientOf(id, key, appAdmin).UpdateApp(t.Context(), id, api.AppChange{MaxMessage: ptr(8000 + round)}); err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		eventually(t, "a changed app is known to the other process", func() bool {
			return shown(t, b.clientOf(id, key, appAdmin)).Settings.MaxMessage == 8000+round
		})
		if took := time.Since(began); took > soon {
			t.Errorf("a changed app was known to the other process after %v", took)
		}
		if err := a.client().RemoveApp(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		eventually(t, "a removed app is unknown to the other process", func() bool { return !works() })
		if took := time.Since(began); took > soon {
			t.Errorf("a removed app was unknown to the other process after %v", took)
		}
	}
	for _, s := range two {
		s.stop(t)
	}
}
