package chat_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

func TestSendThatWaitsTooLongForTheJournalIsRefusedAndRecorded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		hold, held := make(chan struct{}), make(chan struct{})
		go func() {
			_ = w.backend.Change(context.Background(), app, func(chat.Records) error {
				close(held)
				<-hold
				return nil
			})
		}()
		<-held
		late, soon := make(chan told, 1), make(chan told, 1)
		go func() {
			o, err := w.backend.Send(context.Background(), send(1))
			late <- told{o, err}
		}()
		synctest.Wait()
		time.Sleep(1900 * time.Millisecond)
		go func() {
			o, err := w.backend.Send(context.Background(), send(2))
			soon <- told{o, err}
		}()
		synctest.Wait()
		time.Sleep(200 * time.Millisecond)
		close(hold)
		if r := <-late; r.err != nil || r.Kind != chat.Refused || r.Refusal.Code != api.CodeServiceTimeout {
			t.Errorf("after 2.1 s: %+v", r)
		}
		if r := <-soon; r.err != nil || r.Kind != chat.Accepted {
			t.Errorf("after 0.2 s: %+v", r)
		}
		if list := w.events(); len(list) != 1 || list[0].Rule != chat.RuleOverload {
			t.Errorf("%+v", list)
		}
		w.ledger()
		w.backend.Stop()
	})
}

func TestMemberMuteEndsByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.mute("jared", time.Now().Unix()+30)
		o, err := w.backend.Send(t.Context(), send(1))
		if err != nil || o.Kind != chat.Refused || o.Refusal.Rule != chat.RuleMemberMute || o.Refusal.RetryAfter <= 29*time.Second {
			t.Errorf("%+v, %v", o, err)
		}
		time.Sleep(30 * time.Second)
		if o, err := w.backend.Send(t.Context(), send(2)); err != nil || o.Kind != chat.Accepted {
			t.Errorf("%+v, %v", o, err)
		}
		w.backend.Stop()
	})
}

func TestRepeatIsForgottenAfterFiveMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		kind := func() chat.OutcomeKind {
			o, err := w.backend.Send(t.Context(), send(1))
			if err != nil {
				t.Error(err)
			}
			return o.Kind
		}
		if k := kind(); k != chat.Accepted {
			t.Errorf("first: %v", k)
		}
		time.Sleep(5 * time.Minute)
		if k := kind(); k != chat.Repeated {
			t.Errorf("after five minutes: %v", k)
		}
		time.Sleep(2 * time.Second)
		if k := kind(); k != chat.Accepted {
			t.Errorf("two seconds later: %v", k)
		}
		w.backend.Stop()
	})
}
