package sqlite_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/store/sqlite"
)

// write commits n messages to the group and n events, or takes them back.
func write(t testing.TB, s *sqlite.Store, g chat.GroupKey, n, size int, commit bool) {
	t.Helper()
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	head, err := tx.Lock(app, []chat.GroupKey{g}, nil, 60)
	if err != nil {
		t.Fatal(err)
	}
	gh := head.Groups[g]
	rows := chat.Rows{Next: head.Next, Totals: head.Totals, Now: 60}
	for range n {
		rows.Messages = append(rows.Messages, chat.Message{Group: g, Seq: gh.Next, Body: make([]byte, size)})
		rows.Repeats = append(rows.Repeats, chat.Repeat{Key: numbered(int(gh.Next)), Seq: gh.Next, Time: 60})
		rows.Events = append(rows.Events, chat.Event{App: app, Seq: rows.Next, Body: make([]byte, size)})
		rows.Next++
		rows.Totals.Accepted++
		gh.Next++
	}
	rows.Groups = []chat.GroupHead{gh}
	if err := tx.Put(app, &rows); err != nil {
		t.Fatal(err)
	}
	if !commit {
		return
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// head is the sequence that the app's next event gets.
func head(t testing.TB, s *sqlite.Store) chat.Sequence {
	t.Helper()
	h, err := s.Head(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	return h.Next
}

// copier has a copy made, to a new folder.
type copier struct {
	dir  string
	err  error
	done chan struct{}
	far  chan struct{} // closed when a part is copied
}

type database interface {
	Copy(ctx context.Context, progress func(done, total int64), use func(db io.Reader, size int64) error) error
}

func startCopy(ctx context.Context, s database, dir string) *copier {
	c := &copier{dir: dir, done: make(chan struct{}), far: make(chan struct{})}
	go func() {
		defer close(c.done)
		told := false
		c.err = s.Copy(ctx, func(done, _ int64) {
			if done > 0 && !told {
				told = true
				close(c.far)
			}
		}, func(db io.Reader, size int64) error {
			f, err := os.Create(filepath.Join(c.dir, sqlite.FileName))
			if err != nil {
				return err
			}
			n, err := io.Copy(f, db)
			if err == nil && n != size {
				err = io.ErrShortWrite
			}
			return errors.Join(err, f.Close())
		})
	}()
	return c
}

func (c *copier) over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// finish gives the copy its turns until it is done.
func (c *copier) finish(t testing.TB, s *sqlite.Store) {
	t.Helper()
	for !c.over() {
		if _, err := s.Maintain(); err != nil {
			t.Fatal(err)
		}
	}
}

// begin gives the copy turns until a part is copied.
func (c *copier) begin(t testing.TB, s *sqlite.Store) {
	t.Helper()
	for {
		select {
		case <-c.far:
			return
		case <-c.done:
			t.Fatalf("it ended: %v", c.err)
		default:
		}
		if _, err := s.Maintain(); err != nil {
			t.Fatal(err)
		}
	}
}

// consistent checks that the copied database agrees with itself.
func (c *copier) consistent(t *testing.T) {
	t.Helper()
	if c.err != nil {
		t.Fatal(c.err)
	}
	list, err := os.ReadDir(c.dir)
	if err != nil || len(list) != 1 {
		t.Fatalf("the copy is %v, %v", list, err)
	}
	if got := pragma(t, c.dir, "integrity_check"); got != "ok" {
		t.Error(got)
	}
	for what, query := range map[string]string{
		"sequences":     "SELECT count(*) FROM heads WHERE next - 1 != (SELECT coalesce(max(seq), 0) FROM events) OR next - 1 != (SELECT count(*) FROM events)",
		"totals":        "SELECT count(*) FROM heads WHERE accepted != next - 1",
		"messages":      "SELECT count(*) FROM group_heads h WHERE next - 1 != (SELECT count(*) FROM messages m WHERE m.gkey = h.gkey)",
		"their numbers": "SELECT count(*) FROM group_heads h WHERE next - 1 != (SELECT coalesce(max(seq), 0) FROM messages m WHERE m.gkey = h.gkey)",
	} {
		if n := count(t, c.dir, query); n != 0 {
			t.Errorf("%s do not agree", what)
		}
	}
}

// leftOver says whether a part of a copy lies in the folder.
func leftOver(t testing.TB, dir string) bool {
	t.Helper()
	_, err := os.Stat(filepath.Join(dir, sqlite.FileName+".backup"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

// TestCopyAgreesWithItselfWhateverIsWrittenMeanwhile draws what happens between
// the turns of a copy.
func TestCopyAgreesWithItselfWhateverIsWrittenMeanwhile(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), sqlite.Options{CheckpointAt: 64 << 10, RepeatMemory: 4096})
	g := makeApp(t, s)
	write(t, s, g, 200, 4000, true)
	rapid.Check(t, func(r *rapid.T) {
		before := head(t, s)
		c := startCopy(t.Context(), s, t.TempDir())
		for step := 0; !c.over(); step++ {
			if step < 12 {
				write(t, s, g, rapid.IntRange(1, 10).Draw(r, "rows"), rapid.IntRange(1, 6000).Draw(r, "size"), rapid.IntRange(0, 4).Draw(r, "end") > 0)
			}
			if _, err := s.Maintain(); err != nil {
				t.Fatal(err)
			}
		}
		c.consistent(t)
		if got := count(t, c.dir, "SELECT next FROM heads"); got < int(before) {
			t.Errorf("the copy ends before %d, at %d", before, got)
		}
	})
}

func TestCopyBesideAWriterEndsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{CheckpointAt: 1 << 20})
	g := makeApp(t, s)
	for range 40 {
		write(t, s, g, 100, 4000, true) // 32 MB
	}
	before := head(t, s)
	c := startCopy(t.Context(), s, t.TempDir())
	batches := 0
	for ; !c.over(); batches++ {
		write(t, s, g, 4, 500, true)
		if _, err := s.Maintain(); err != nil {
			t.Fatal(err)
		}
	}
	c.consistent(t)
	if n := count(t, c.dir, "SELECT next FROM heads"); n < int(before) || n > int(head(t, s)) {
		t.Errorf("the copy ends at %d, not from %d to %d", n, before, head(t, s))
	}
	if leftOver(t, dir) {
		t.Error("a file was left")
	}
	t.Logf("%d batches meanwhile", batches)
	if more, err := s.Maintain(); more || err != nil {
		t.Errorf("after it: %v, %v", more, err)
	}
}

// large is a store whose copy takes many turns.
func large(t *testing.T) (s *sqlite.Store, dir string) {
	t.Helper()
	dir = t.TempDir()
	s = open(t, dir, sqlite.Options{})
	g := makeApp(t, s)
	for range 20 {
		write(t, s, g, 100, 4000, true)
	}
	return s, dir
}

func TestReopeningEndsACopy(t *testing.T) {
	t.Parallel()
	s, dir := large(t)
	c := startCopy(t.Context(), s, t.TempDir())
	c.begin(t, s)
	if err := s.Reopen(); err != nil {
		t.Fatal(err)
	}
	if <-c.done; c.err == nil {
		t.Error("it ended well")
	}
	if leftOver(t, dir) {
		t.Error("a file was left")
	}
	again := startCopy(t.Context(), s, t.TempDir())
	again.finish(t, s)
	again.consistent(t)
}

func TestClosingEndsACopy(t *testing.T) {
	t.Parallel()
	for name, turns := range map[string]bool{"before its first turn": false, "in the middle": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := large(t)
			c := startCopy(t.Context(), s, t.TempDir())
			if turns {
				c.begin(t, s)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if <-c.done; !errors.Is(c.err, sqlite.ErrClosed) {
				t.Errorf("it ended with %v", c.err)
			}
			if leftOver(t, dir) {
				t.Error("a file was left")
			}
			if err := s.Copy(t.Context(), nil, nil); !errors.Is(err, sqlite.ErrClosed) {
				t.Errorf("a copy of a closed store: %v", err)
			}
		})
	}
}

func TestClosingEndsTheReadingOfACopy(t *testing.T) {
	t.Parallel()
	s, dir := large(t)
	reads, closes := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- s.Copy(t.Context(), func(int64, int64) {}, func(db io.Reader, _ int64) error {
			close(reads)
			<-closes
			for {
				if _, err := db.Read(make([]byte, 1)); err != nil {
					return err
				}
			}
		})
	}()
	for reading := false; !reading; {
		select {
		case <-reads:
			reading = true
		default:
			if _, err := s.Maintain(); err != nil {
				t.Fatal(err)
			}
		}
	}
	go close(closes)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, sqlite.ErrClosed) && !errors.Is(err, io.EOF) {
		t.Errorf("the reading ended with %v", err)
	}
	if leftOver(t, dir) {
		t.Error("a file was left")
	}
}

func TestCopyThatNobodyWantsAnyMoreIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, turns := range map[string]bool{"before its first turn": false, "in the middle": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := large(t)
			ctx, cancel := context.WithCancel(t.Context())
			c := startCopy(ctx, s, t.TempDir())
			if turns {
				c.begin(t, s)
			}
			cancel()
			if <-c.done; !errors.Is(c.err, context.Canceled) { // without a turn of the writer
				t.Errorf("it ended with %v", c.err)
			}
			for more := true; more; {
				var err error
				if more, err = s.Maintain(); err != nil {
					t.Fatal(err)
				}
			}
			again := startCopy(t.Context(), s, t.TempDir())
			for again.finish(t, s); errors.Is(again.err, sqlite.ErrCopying); again.finish(t, s) { // the file is being removed
				again = startCopy(t.Context(), s, again.dir)
			}
			again.consistent(t)
			if leftOver(t, dir) {
				t.Error("a file was left")
			}
		})
	}
}

func TestSecondCopyIsRefused(t *testing.T) {
	t.Parallel()
	s, _ := large(t)
	c := startCopy(t.Context(), s, t.TempDir())
	c.begin(t, s)
	if err := s.Copy(t.Context(), nil, nil); !errors.Is(err, sqlite.ErrCopying) {
		t.Errorf("a second copy: %v", err)
	}
	c.finish(t, s)
	c.consistent(t)
}

func TestCopyThatAKilledProcessLeftIsRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, sqlite.FileName+".backup")
	for name, again := range map[string]func() error{
		"by a server": func() error { return open(t, dir, sqlite.Options{}).Close() },
		"by a backup": func() error {
			s, err := sqlite.OpenStopped(dir)
			return errors.Join(err, s.Close())
		},
	} {
		if err := open(t, dir, sqlite.Options{}).Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := again(); err != nil || leftOver(t, dir) {
			t.Errorf("%s: %v, left: %v", name, err, leftOver(t, dir))
		}
	}
}

func TestStoppedStoreIsCopiedWithWhatIsInItsLog(t *testing.T) {
	t.Parallel()
	from := t.TempDir()
	s := open(t, from, sqlite.Options{})
	g := makeApp(t, s)
	write(t, s, g, 300, 4000, true)
	dir := t.TempDir() // as if it had been killed
	for _, name := range []string{sqlite.FileName, sqlite.FileName + "-wal"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stopped, err := sqlite.OpenStopped(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer stopped.Close()
	c := startCopy(t.Context(), stopped, t.TempDir())
	<-c.done
	c.consistent(t)
	if n := count(t, c.dir, "SELECT next FROM heads"); n != 301 {
		t.Errorf("the copy ends at %d", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c = startCopy(ctx, stopped, t.TempDir())
	if <-c.done; !errors.Is(c.err, context.Canceled) {
		t.Errorf("given up, it ended with %v", c.err)
	}
	if leftOver(t, dir) {
		t.Error("a file was left")
	}
}

func TestStoppedStoreThatCannotBeCopiedIsNamed(t *testing.T) {
	t.Parallel()
	if _, err := sqlite.OpenStopped(filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, sqlite.ErrNoStore) {
		t.Errorf("no folder: %v", err)
	}
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	if _, err := sqlite.OpenStopped(dir); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("in use: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	makeNewer(t, dir)
	stopped, err := sqlite.OpenStopped(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer stopped.Close()
	if err := stopped.Copy(t.Context(), nil, nil); !errors.Is(err, sqlite.ErrNewer) {
		t.Errorf("newer: %v", err)
	}
}
