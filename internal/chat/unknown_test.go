package chat_test

import (
	"errors"
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

// A caller who was told that the outcome is unknown repeats at once, while the
// store is still away. Its message was stored: no repeat may be refused.
func TestRepeatOfASendWithUnknownOutcomeIsNeverRefused(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		for name, stored := range map[string]bool{"which was stored": true, "which was not stored": false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.store.set(func(f *faulty) {
					f.commit = func() (bool, error) { return stored, errDisk }
					f.reopen = func() error { return errDisk }
				})
				if _, err := w.backend.Send(t.Context(), send(1)); !errors.Is(err, chat.ErrUnknown) {
					t.Fatalf("%v", err)
				}
				if o, err := w.backend.Send(t.Context(), send(1)); !errors.Is(err, chat.ErrUnknown) {
					t.Fatalf("repeated while the store is away: %+v, %v", o, err)
				}
				// Another send is none of its business.
				if o, err := w.backend.Send(t.Context(), send(2)); err != nil || o.Kind != chat.Refused {
					t.Fatalf("another send: %+v, %v", o, err)
				}
				waiting := make(chan told, 1)
				go func() {
					var r told
					r.Outcome, r.err = w.backend.Send(t.Context(), send(1))
					waiting <- r
				}()
				w.store.set(func(f *faulty) { f.commit, f.reopen = nil, nil })
				r := <-waiting
				want := chat.Accepted // as a new send: the first became an exception
				if stored {
					want = chat.Repeated
				}
				if r.err != nil || r.Kind != want || r.Seq != 1 {
					t.Fatalf("repeated when the store is back: %+v, %v", r.Outcome, r.err)
				}
				w.eventually("all refusals are recorded", func() bool { return w.backend.UnrecordedRefusals() == 0 })
				if n, refused := len(w.messages()), len(w.events()); n != 1 || refused != map[bool]int{true: 1, false: 2}[stored] {
					t.Errorf("%d messages, %d exceptions", n, refused)
				}
				w.ledger()
			})
		}
	})
}
