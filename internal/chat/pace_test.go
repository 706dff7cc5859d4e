package chat_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

func TestChangesOfAUserHaveAPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.changes = chat.Pace{Rate: 10, Burst: 50}
		w.restart()
		may := func(what string, app chat.AppID, user chat.UserID, times int) {
			t.Helper()
			for i := range times {
				if r := w.backend.MayChange(app, user); r != nil {
					t.Fatalf("%s: change %d is refused: %+v", what, i, r)
				}
			}
		}
		mayNot := func(what string, after time.Duration) {
			t.Helper()
			for range 3 { // who is refused does not wait longer for it
				r := w.backend.MayChange(app, "mia")
				if r == nil || r.Code != 10006 || r.RetryAfter != after {
					t.Fatalf("%s: %+v", what, r)
				}
			}
		}
		may("the burst", app, "mia", 50)
		mayNot("after the burst", 100*time.Millisecond)
		may("another user", app, "jared", 50)
		may("the user of that name of another app", app+1, "mia", 50)
		time.Sleep(60 * time.Millisecond)
		mayNot("too soon", 40*time.Millisecond)
		time.Sleep(40 * time.Millisecond)
		may("one more", app, "mia", 1)
		mayNot("and no other", 100*time.Millisecond)
		time.Sleep(time.Second)
		may("ten in a second", app, "mia", 10)
		mayNot("and no other", 100*time.Millisecond)
		time.Sleep(time.Hour)
		may("the burst again", app, "mia", 50)
		mayNot("after the burst again", 100*time.Millisecond)
	})
}
