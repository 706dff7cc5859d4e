package chat_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// refused is a send of a user's own connection to a group that does not exist.
func refused(user chat.UserID, random uint32) *chat.Send {
	s := send(random)
	s.Group, s.From, s.Caller, s.Entry = "nowhere", user, user, chat.EntryClient
	return s
}

func TestRefusalsOfAConnectionAreToldAtAPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.pace = chat.Pace{Rate: 5, Burst: 20}
		w.restart()
		took := func(s *chat.Send, want chat.OutcomeKind) time.Duration {
			t.Helper()
			began := time.Now()
			o, err := w.backend.Send(t.Context(), s)
			if err != nil || o.Kind != want {
				t.Fatalf("%+v, %v", o, err)
			}
			return time.Since(began)
		}
		for i := range uint32(20) {
			if d := took(refused("mia", i), chat.Refused); d != 0 {
				t.Errorf("refusal %d of the burst took %v", i, d)
			}
		}
		for i := range uint32(10) {
			if d := took(refused("mia", 100+i), chat.Refused); d != 200*time.Millisecond {
				t.Errorf("refusal %d after it took %v", i, d)
			}
		}
		if d := took(refused("jared", 1), chat.Refused); d != 0 {
			t.Errorf("another user's took %v", d)
		}
		rest := refused("mia", 200)
		rest.Entry = chat.EntryREST
		if d := took(rest, chat.Refused); d != 0 {
			t.Errorf("an admin's took %v", d)
		}
		fine := refused("mia", 201)
		fine.Group = "g1"
		fine.Entry, fine.Caller = chat.EntryREST, "administrator"
		if d := took(fine, chat.Accepted); d != 0 {
			t.Errorf("an accepted one took %v", d)
		}
		time.Sleep(2 * time.Second)
		for i := range uint32(10) {
			if d := took(refused("mia", 300+i), chat.Refused); d != 0 {
				t.Errorf("refusal %d after two quiet seconds took %v", i, d)
			}
		}
		if d := took(refused("mia", 400), chat.Refused); d != 200*time.Millisecond {
			t.Errorf("the next took %v", d)
		}
		w.ledger()
		w.backend.Stop()
	})
}

// Many connections of one user together are told at his pace.
func TestRefusalIsRecordedBeforeItIsToldLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.pace = chat.Pace{Rate: 1, Burst: 1}
		w.restart()
		began := time.Now()
		ended := make(chan time.Duration, 100)
		for i := range uint32(100) {
			go func() {
				if o, err := w.backend.Send(context.Background(), refused("mia", i)); err != nil || o.Kind != chat.Refused {
					t.Errorf("%+v, %v", o, err)
				}
				ended <- time.Since(began)
			}()
		}
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		if n := len(w.events()); n != 100 {
			t.Errorf("%d of 100 are recorded while their senders wait", n)
		}
		if c := w.ledger(); c.Refused != 100 {
			t.Errorf("%+v", c)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(ended); n != 11 {
			t.Errorf("%d were told in ten seconds", n)
		}
		gone, cancel := context.WithCancel(context.Background())
		left := make(chan struct{})
		go func() {
			_, _ = w.backend.Send(gone, refused("mia", 1000))
			close(left)
		}()
		synctest.Wait()
		cancel()
		<-left // who goes waits no longer
		if took := time.Since(began); took > 11*time.Second {
			t.Errorf("it ended after %v", took)
		}
		stopped := time.Now()
		w.backend.Stop()
		synctest.Wait()
		if n := len(ended); n != 100 {
			t.Errorf("%d were told at the stop", n)
		}
		if took := time.Since(stopped); took > time.Second {
			t.Errorf("the stop took %v", took)
		}
	})
}
