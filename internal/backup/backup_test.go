package backup_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/backup"
)

// text is a database for tests: its copy is a text.
type text string

func (t text) Copy(_ context.Context, _ func(done, total int64), use func(db io.Reader, size int64) error) error {
	return use(strings.NewReader(string(t)), int64(len(t)))
}

// content are the files below a folder but for the lock.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "lock" {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[name] = string(b)
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return all
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func pack(t *testing.T, dir string, db text) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := backup.Pack(t.Context(), &b, dir, db, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func write(b []byte) func(io.Writer) error {
	return func(w io.Writer) error { _, err := w.Write(b); return err }
}

// store is what Restore opens: it notes what it is asked for.
type store struct {
	said     []string
	checkErr error
}

func (s *store) Check(context.Context) error { s.said = append(s.said, "check"); return s.checkErr }
func (s *store) BeginEpoch() error           { s.said = append(s.said, "epoch"); return nil }
func (s *store) Close() error                { s.said = append(s.said, "close"); return nil }

func (s *store) open(dir string) (backup.Restored, error) {
	_, err := os.Stat(filepath.Join(dir, "parley.db"))
	return s, err
}

func TestBackupHasWhatIsWorthKeepingAndNothingElse(t *testing.T) {
	t.Parallel()
	const zeros = "\x00\x00\x00\x00"
	for name, c := range map[string]struct{ files, want map[string]string }{
		"all of it": {
			map[string]string{"parley.db": "live", "parley.db-wal": "log", "lock": "", "first-app.json": "key", "unrecorded": "line\n" + zeros, "parley.db.before-2": "old"},
			map[string]string{"parley.db": "copy", "first-app.json": "key", "unrecorded": "line\n"},
		},
		"no first app, nothing unrecorded": {
			map[string]string{"parley.db": "live", "unrecorded": zeros},
			map[string]string{"parley.db": "copy"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			archive := pack(t, folder(t, c.files), "copy")
			dir := filepath.Join(t.TempDir(), "to", "dir")
			if err := backup.Save(dir, write(archive)); err != nil {
				t.Fatal(err)
			}
			if got := content(t, dir); !maps.Equal(got, c.want) {
				t.Errorf("the folder has %q, want %q", got, c.want)
			}
			from, err := backup.FromFolder(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, fill := range []backup.Fill{from, backup.FromArchive(bytes.NewReader(archive))} {
				data, s := filepath.Join(t.TempDir(), "data"), &store{}
				if err := backup.Restore(t.Context(), data, fill, s.open, func(string) {}); err != nil {
					t.Fatal(err)
				}
				if got := content(t, data); !maps.Equal(got, c.want) {
					t.Errorf("restored are %q, want %q", got, c.want)
				}
				if got := strings.Join(s.said, " "); got != "check epoch close" {
					t.Errorf("the store was asked for %s", got)
				}
			}
		})
	}
}

// TestArchiveThatIsCutOffIsNone cuts one at every length.
func TestArchiveThatIsCutOffIsNone(t *testing.T) {
	t.Parallel()
	archive := pack(t, folder(t, map[string]string{"first-app.json": "key", "unrecorded": "line\n"}), "copy")
	for n := 0; n < len(archive); n += 256 {
		dir := filepath.Join(t.TempDir(), "dir")
		if err := backup.Save(dir, write(archive[:n])); !errors.Is(err, backup.ErrIncomplete) {
			t.Fatalf("saved with %d of %d bytes: %v", n, len(archive), err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("with %d bytes the folder was left: %v", n, err)
		}
		data := filepath.Join(t.TempDir(), "data")
		err := backup.Restore(t.Context(), data, backup.FromArchive(bytes.NewReader(archive[:n])), (&store{}).open, func(string) {})
		if !errors.Is(err, backup.ErrIncomplete) || len(content(t, data)) != 0 {
			t.Fatalf("restored with %d of %d bytes: %v, %v", n, len(archive), err, content(t, data))
		}
	}
}

// TestArchiveMadeByHandIsRestored takes one as tar makes it of a data folder.
func TestArchiveMadeByHandIsRestored(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	put := func(h tar.Header, text string) {
		t.Helper()
		h.Size, h.Mode = int64(len(text)), 0o644
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	put(tar.Header{Name: "./", Typeflag: tar.TypeDir}, "")
	for _, name := range []string{"./lock", "./parley.db", "./parley.db-wal", "./parley.db-shm", "./../first-app.json", "/unrecorded", "deep/first-app.json"} {
		put(tar.Header{Name: name, Typeflag: tar.TypeReg}, "of "+name)
	}
	put(tar.Header{Name: "first-app.json", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, "")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b.Write(make([]byte, 7000)) // padding
	data, s := filepath.Join(t.TempDir(), "data"), &store{}
	var log string
	open := func(dir string) (backup.Restored, error) {
		log = content(t, dir)["parley.db-wal"]
		return s.open(dir)
	}
	if err := backup.Restore(t.Context(), data, backup.FromArchive(&b), open, func(string) {}); err != nil {
		t.Fatal(err)
	}
	if got := content(t, data); !maps.Equal(got, map[string]string{"parley.db": "of ./parley.db"}) || log != "of ./parley.db-wal" {
		t.Errorf("restored are %q, with the log %q", got, log)
	}
}

func TestFaultLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	archive := pack(t, t.TempDir(), "copy")
	dir := t.TempDir() // that was there before stays
	err := backup.Save(dir, func(w io.Writer) error { _, _ = w.Write(archive[:700]); return boom })
	if !errors.Is(err, boom) || len(content(t, dir)) != 0 {
		t.Errorf("saved: %v, %v", err, content(t, dir))
	}
	if err := backup.Save(dir, write(archive)); err != nil {
		t.Errorf("again: %v", err)
	}
	data := t.TempDir()
	fill := backup.FromArchive(bytes.NewReader(archive))
	if err := backup.Restore(t.Context(), data, fill, (&store{checkErr: boom}).open, func(string) {}); !errors.Is(err, boom) || len(content(t, data)) != 0 {
		t.Errorf("restored: %v, %v", err, content(t, data))
	}
	if err := os.MkdirAll(filepath.Join(data, "restore.part", "x"), 0o700); err != nil { // of a kill
		t.Fatal(err)
	}
	if err := backup.Restore(t.Context(), data, backup.FromArchive(bytes.NewReader(archive)), (&store{}).open, func(string) {}); err != nil || len(content(t, data)) != 1 {
		t.Errorf("again: %v, %v", err, content(t, data))
	}
}
