package delivery_test

import (
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

// The lane of an endpoint that was removed reports once more when it ends. By
// then another endpoint may have its id.
func TestTheLastReportOfARemovedEndpointMovesNoOther(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.start()
	s.app(appA, s.receiver().URL)
	two := chat.Endpoint{ID: "two", App: appA, URL: s.receiver().URL, Commands: []string{chat.CommandSendMsgException}}
	create := func() chat.Endpoint {
		t.Helper()
		if err := s.backend.CreateEndpoint(t.Context(), two); err != nil {
			t.Fatal(err)
		}
		return s.stored("two")
	}
	first := create()
	s.refuse(appA, 5)
	if err := s.backend.DeleteEndpoint(t.Context(), appA, "two"); err != nil {
		t.Fatal(err)
	}
	second := create()
	app, _ := s.backend.App(appA)
	done := handedOver(func(done func(error)) {
		s.backend.SaveProgress(appA, chat.Progress{
			Endpoint: "two", Life: first.Life, Epoch: app.Epoch, Cursor: 2, Put: []chat.Pending{{Seq: 2, Attempt: 2, Reason: "time-out"}},
		}, done)
	})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	rows, err := s.store.Pending(t.Context(), appA, "two", false, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	if now := s.stored("two"); now.Cursor != second.Cursor || now.Cursor != 5 || len(rows) != 0 {
		t.Errorf("the cursor stands at %d, want 5; rows %+v", now.Cursor, rows)
	}
}

// handedOver calls f with a function that hands its first error over.
func handedOver(f func(func(error))) <-chan error {
	c := make(chan error, 2)
	f(func(err error) { c <- err })
	return c
}

// stored is one of the first app's as stored.
func (s *site) stored(id string) chat.Endpoint {
	s.t.Helper()
	list, err := s.store.Endpoints(s.t.Context(), appA)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range list {
		if e.ID == id {
			return e
		}
	}
	s.t.Fatalf("there is no endpoint %s", id)
	return chat.Endpoint{}
}
