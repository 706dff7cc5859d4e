package postgres_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pgtest"
	"github.com/parley-im/parley/internal/store/postgres"
	"github.com/parley-im/parley/internal/store/storetest"
)

// retry does work in a transaction, again while another process is in the way.
func retry(t *testing.T, s *postgres.Store, work func(chat.Tx) error) {
	t.Helper()
	for {
		tx, err := s.Begin()
		if err == nil {
			if err = work(tx); err == nil {
				err = tx.Commit()
			}
			tx.Rollback()
		}
		if err == nil {
			return
		}
		if !errors.Is(err, chat.ErrStoreBusy) {
			t.Errorf("transaction: %v", err)
			return
		}
	}
}

// TestAccountsDeletedWhileOthersAreErased has two processes keep house while
// users say something, are deleted and say more under the same name: an erasure
// that is made while a round begins is in it from its beginning, or in the next.
func TestAccountsDeletedWhileOthersAreErased(t *testing.T) {
	t.Parallel()
	const app, users, before, after = chat.AppID(7), 60, 5, 2
	database := pgtest.Database(t)
	stores := []*postgres.Store{open(t, database), open(t, database)}
	var group chat.GroupKey
	retry(t, stores[0], func(tx chat.Tx) error {
		r, err := tx.Records(app)
		if err == nil {
			err = r.PutApp(chat.App{ID: app})
		}
		if err == nil {
			group, err = r.CreateGroup(chat.Group{ID: "g", Type: chat.Public})
		}
		return err
	})
	say := func(s *postgres.Store, user chat.UserID, n int) {
		retry(t, s, func(tx chat.Tx) error {
			head, err := tx.Lock(app, []chat.GroupKey{group}, nil, 1)
			if err != nil {
				return err
			}
			g, rows := head.Groups[group], chat.Rows{Next: head.Next, Totals: head.Totals, Now: 1}
			for range n {
				rows.Messages = append(rows.Messages, chat.Message{Group: group, Seq: g.Next, From: user, Body: []byte("said")})
				rows.Events = append(rows.Events, chat.Event{Seq: rows.Next, From: user, Body: []byte("said")})
				g.Next++
				rows.Next++
			}
			rows.Groups = []chat.GroupHead{g}
			return tx.Put(app, &rows)
		})
	}
	maintain := func(s *postgres.Store) bool {
		more, err := s.Maintain()
		if err != nil && !errors.Is(err, chat.ErrStoreBusy) {
			t.Errorf("maintain: %v", err)
		}
		return more
	}
	done := make(chan struct{})
	var house, talk sync.WaitGroup
	for _, s := range stores {
		house.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					maintain(s)
				}
			}
		})
	}
	for i, s := range stores {
		talk.Go(func() {
			for n := range users {
				user := chat.UserID(fmt.Sprint("user ", i, n))
				say(s, user, before)
				retry(t, s, func(tx chat.Tx) error {
					r, err := tx.Records(app)
					if err == nil {
						err = r.DeleteAccount(user)
					}
					if err == nil {
						_, err = r.RaiseVersion(chat.Change{ID: chat.NewAttemptID(s.Now())})
					}
					return err
				})
				say(s, user, after)
			}
		})
	}
	talk.Wait()
	close(done)
	house.Wait()
	for maintain(stores[0]) {
	}
	kept := map[chat.UserID]int{}
	messages, err := stores[0].Messages(t.Context(), app, group, 1<<62, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if string(m.Body) == "said" {
			kept[m.From]++
		}
	}
	events, err := stores[0].Events(t.Context(), app, 0, 1<<20, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		switch string(e.Body) {
		case "said":
			kept[e.From]++
		case string(storetest.Erase(nil)):
		default:
			t.Fatalf("event %d: %q", e.Seq, e.Body)
		}
	}
	if want := 2 * users * (before + after); len(messages) != want || len(events) != want || len(kept) != 2*users {
		t.Fatalf("%d messages, %d events, want %d; of %d users", len(messages), len(events), want, len(kept))
	}
	for user, n := range kept {
		if n != 2*after {
			t.Errorf("of %s %d are left, want %d", user, n, 2*after)
		}
	}
}
