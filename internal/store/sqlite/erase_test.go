package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/store/sqlite"
)

// TestErasedBytesAreOverwritten looks into the files: neither the pages nor those
// that long bodies filled alone may hold what was said, nor may the log. What was
// said in a group that is dissolved meanwhile goes with the group.
func TestErasedBytesAreOverwritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	g := makeApp(t, s)
	change := func(f func(chat.Records) error) {
		t.Helper()
		tx, err := s.Begin()
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		r, err := tx.Records(app)
		if err == nil {
			err = f(r)
		}
		if err == nil {
			err = tx.Commit()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var dissolved chat.GroupKey
	change(func(r chat.Records) (err error) {
		dissolved, err = r.CreateGroup(chat.Group{ID: "dissolved", Type: chat.Public})
		return err
	})
	const marker = "pomegranate"
	keys := []chat.GroupKey{g, dissolved}
	for i := range 120 {
		tx, err := s.Begin()
		if err != nil {
			t.Fatal(err)
		}
		head, err := tx.Lock(app, keys, nil, 1)
		if err != nil {
			t.Fatal(err)
		}
		rows := chat.Rows{Next: head.Next + 1, Now: 1}
		from, body := chat.UserID("other"), []byte("something else")
		if i%3 == 0 {
			from, body = "gone", []byte(strings.Repeat(marker, 1+i*8))
		}
		for _, k := range keys {
			h := head.Groups[k]
			rows.Messages = append(rows.Messages, chat.Message{Group: k, Seq: h.Next, From: from, Body: body, Cloud: string(body)})
			h.Next++
			rows.Groups = append(rows.Groups, h)
		}
		rows.Events = []chat.Event{{Seq: head.Next, From: from, Body: body}}
		if err := tx.Put(app, &rows); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	found := func() (n int) {
		for _, name := range []string{sqlite.FileName, sqlite.FileName + "-wal"} {
			content, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			n += bytes.Count(content, []byte(marker))
		}
		return n
	}
	if found() == 0 {
		t.Fatal("the test finds nothing")
	}
	change(func(r chat.Records) error { return r.DeleteAccount("gone") })
	change(func(r chat.Records) error { return r.DeleteGroup(dissolved) })
	for more := true; more; {
		var err error
		if more, err = s.Maintain(); err != nil {
			t.Fatal(err)
		}
	}
	if n := found(); n > 0 {
		t.Errorf("found %d times", n)
	}
	if got := pragma(t, dir, "integrity_check"); got != "ok" {
		t.Errorf("integrity: %s", got)
	}
}
