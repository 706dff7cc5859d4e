package chat_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// A change that takes 900 ms of each second keeps the writer at work for nine
// tenths of the time.
func TestBusyJournalIsToldOnceAndCalmOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := newWorld(t)
		w.log = slog.New(slog.NewTextHandler(&log, nil))
		w.restart()
		work := func(seconds int, each time.Duration) {
			for range seconds {
				if err := w.backend.Change(context.Background(), app, func(chat.Records) error {
					time.Sleep(each)
					return nil
				}); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second - each)
			}
			synctest.Wait()
		}
		is := func(what string, want float64) {
			t.Helper()
			if got := w.backend.Load(); got < want-0.1 || got > want+0.1 {
				t.Errorf("%s: the load is %.2f, want %.1f", what, got, want)
			}
		}
		is("at the start", 0)
		work(5, 900*time.Millisecond)
		is("after five seconds", 0.45)
		work(20, 900*time.Millisecond)
		is("busy", 0.9)
		work(20, 700*time.Millisecond)
		is("a little less", 0.7)
		work(20, 100*time.Millisecond)
		is("calm", 0.1)
		work(20, 900*time.Millisecond)
		w.backend.Stop()
		if busy, calm := strings.Count(log.String(), "journal.busy"), strings.Count(log.String(), "journal.calm"); busy != 2 || calm != 1 {
			t.Errorf("told of %d and %d:\n%s", busy, calm, &log)
		}
	})
}
