package chat_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

// A server that starts leaves no refusal in the file, also where the one before
// recorded them and could not empty it.
func TestFileOfUnrecordedRefusalsIsEmptyAfterAStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	left := func(want int) {
		t.Helper()
		if n, err := chat.LeftUnrecorded(w.dir); n != want || err != nil {
			t.Errorf("%d refusals are left, %v; want %d", n, err, want)
		}
	}
	left(0)
	w.store.set(func(f *faulty) { f.commit = func() (bool, error) { return false, errDisk } })
	for i := range uint32(2) {
		if o, err := w.backend.Send(t.Context(), send(i)); err != nil || o.Kind != chat.Refused {
			t.Fatalf("%+v, %v", o, err)
		}
	}
	left(2)
	file := filepath.Join(w.dir, "unrecorded")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.restart()
		w.eventually("the refusals are recorded", func() bool { return w.backend.UnrecordedRefusals() == 0 })
		if n := len(w.events()); n != 2 {
			t.Errorf("%d events", n)
		}
		w.backend.Stop()
		left(0)
		if err := os.WriteFile(file, before, 0o600); err != nil {
			t.Fatal(err)
		}
		left(2)
	}
}
