package manage_test

import (
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/wire"
)

// Who comes after events are gone is told how many, at once and also if he would
// wait, and goes on with the oldest that is kept.
func TestWhatIsKeptNoMoreIsCounted(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.TempDir(), sqlite.Options{Erase: wire.Erase, Keep: chat.Keep{Bytes: 5000}})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldOn(t, store, true)
	for range 60 {
		w.refuse("nowhere", "mia")
	}
	var page api.EventsPage
	w.eventually("the oldest events are gone", func() bool {
		w.refuse("nowhere", "mia")
		page, err = w.manager.Events(t.Context(), app, api.EventsRequest{After: 2, Wait: 60})
		w.must(err)
		return page.FirstSequence > 10
	})
	if page.Expired != page.FirstSequence-3 || len(page.Events) == 0 || page.Events[0].Sequence != page.FirstSequence {
		t.Errorf("page from %d, %d expired, first event %+v", page.FirstSequence, page.Expired, page.Events[0])
	}
	_, err = w.manager.Event(t.Context(), app, "3")
	w.refused(err, api.CodeInvalidParameter)
	if page, err := w.manager.Events(t.Context(), app, api.EventsRequest{Newest: true, Limit: 1000}); err != nil || page.More || page.Expired != 0 {
		t.Errorf("downwards: %+v, %v", page, err)
	}
}
