package manage_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/manage"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/wire"
)

// Who comes with the epoch of before a restore is told where the new one begins,
// also while it has no event yet; and searches by time cross the gap.
func TestRestoredJournalTellsWhereItsEpochBegins(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opened := func() *sqlite.Store {
		store, err := sqlite.Open(dir, sqlite.Options{Erase: wire.Erase})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	var old string
	t.Run("before", func(t *testing.T) {
		w := newWorldOn(t, opened(), true)
		for range 3 {
			w.clock.Add(1000)
			w.refuse("nowhere", "mia")
		}
		a, _ := w.backend.App(app)
		old = a.Epoch
	})
	store := opened()
	if err := store.BeginEpoch(); err != nil {
		t.Fatal(err)
	}
	w := newWorldOn(t, store, false)
	moved := func() uint64 {
		t.Helper()
		_, err := w.manager.Events(t.Context(), app, api.EventsRequest{After: 3, Epoch: old})
		var moved *manage.Moved
		if a, _ := w.backend.App(app); !errors.As(err, &moved) || moved.Epoch != a.Epoch || moved.Epoch == old {
			t.Fatalf("error %v", err)
		}
		return moved.FirstSequence
	}
	begins := uint64(chat.FirstOfEpoch(4))
	if got := moved(); got != begins {
		t.Errorf("it is to begin with %d, want %d", got, begins)
	}
	page, err := w.manager.Events(t.Context(), app, api.EventsRequest{After: 3})
	if err != nil || len(page.Events) != 0 || page.Expired != 0 || page.Next != begins-1 || page.Head != begins-1 {
		t.Errorf("page %+v, %v", page, err)
	}
	w.clock.Store(start + 60_000)
	first := w.refuse("nowhere", "mia")
	w.refuse("nowhere", "mia")
	if got := moved(); got != begins {
		t.Errorf("it begins with %d, want %d", got, begins)
	}
	for _, c := range []struct {
		r    api.EventsRequest
		want []uint64
	}{
		{api.EventsRequest{After: 2}, []uint64{3, begins, begins + 1}},
		{api.EventsRequest{Newest: true, Limit: 3}, []uint64{begins + 1, begins, 3}},
		{api.EventsRequest{Since: start + 3000}, []uint64{3, begins, begins + 1}},
		{api.EventsRequest{Since: start + 3001}, []uint64{begins, begins + 1}},
		{api.EventsRequest{Newest: true, Until: start + 60_000}, []uint64{3, 2, 1}},
	} {
		page, err := w.manager.Events(t.Context(), app, c.r)
		if err != nil || !slices.Equal(seqs(page), c.want) {
			t.Errorf("%+v: %d, %v, want %d", c.r, seqs(page), err, c.want)
		}
	}
	if d, err := w.manager.Event(t.Context(), app, first.Event); err != nil || d.Sequence != begins {
		t.Errorf("event %+v, %v", d.Event, err)
	}
}
