// Package backup makes backups of a data folder and brings them back.
//
// A backup is the files of a stopped data folder that are worth keeping: the
// database, complete without a log; first-app.json with the key of the first
// app, if there is one; and unrecorded, if refusals wait in it. It is a folder,
// or the same files as a tar archive with the database last, so that an archive
// that was cut off has none.
package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// The files of a data folder that matter here.
const (
	database = "parley.db"
	logFile  = "parley.db-wal" // in a copy by hand of a folder whose server was killed
	firstApp = "first-app.json"
	// Refusals that were told to their senders and wait for a store that takes
	// no writes. A server that has the folder records them before long, but one
	// that was stopped, or stops now, leaves them to the next start. Who finds
	// one both here and in the journal records it once.
	unrecorded = "unrecorded"
)

// small are the files that are kept besides the database; parts is what may
// come in.
var (
	small = []string{firstApp, unrecorded}
	parts = []string{database, logFile, firstApp, unrecorded}
)

// ErrIncomplete: there is no database in a backup, or only a part of it.
var ErrIncomplete = errors.New("the backup is incomplete")

// Database is what a backup needs of a store: a copy of it that use reads.
type Database interface {
	Copy(ctx context.Context, progress func(done, total int64), use func(db io.Reader, size int64) error) error
}

// Pack writes a backup of the data folder dir, whose database is db, as a tar
// archive. Nothing is written before the database is copied; progress tells how
// far that is, in bytes.
func Pack(ctx context.Context, w io.Writer, dir string, db Database, progress func(done, total int64)) error {
	// Before the database: what is moved from there into it is in both then.
	kept := make(map[string][]byte)
	for _, name := range small {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("back up: %w", err)
		}
		if name == unrecorded { // lines, then zeros up to its reserved size
			text, _, _ = bytes.Cut(text, []byte{0})
		}
		if len(text) > 0 {
			kept[name] = text
		}
	}
	return db.Copy(ctx, progress, func(r io.Reader, size int64) error {
		t := tar.NewWriter(w)
		now := time.Now()
		put := func(name string, r io.Reader, size int64) error {
			err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: now, Typeflag: tar.TypeReg})
			if err == nil {
				_, err = io.Copy(t, r)
			}
			if err != nil {
				return fmt.Errorf("write %s of the backup: %w", name, err)
			}
			return nil
		}
		for _, name := range small {
			if text, ok := kept[name]; ok {
				if err := put(name, bytes.NewReader(text), int64(len(text))); err != nil {
					return err
				}
			}
		}
		if err := put(database, r, size); err != nil {
			return err
		}
		if err := t.Close(); err != nil {
			return fmt.Errorf("write the backup: %w", err)
		}
		return nil
	})
}

// unpack has store write the files of a backup from an archive to the folder
// dir, each name with a suffix. What is no part of a backup, as in an archive that was
// made by hand of a data folder, is passed over.
func unpack(r io.Reader, dir, suffix string, store func(path string, r io.Reader) error) (names []string, err error) {
	watch := &watched{r: r}
	t := tar.NewReader(watch)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return names, unread(err)
		}
		name := path.Clean(h.Name)
		if h.Typeflag != tar.TypeReg || !slices.Contains(parts, name) {
			continue
		}
		if err := store(filepath.Join(dir, name+suffix), t); err != nil {
			return names, unread(err)
		}
		names = append(names, name)
	}
	if watch.ended { // the mark of the end did not come
		return names, fmt.Errorf("%w: the archive is cut off", ErrIncomplete)
	}
	// Whoever writes the archive may pad it.
	if _, err := io.Copy(io.Discard, r); err != nil {
		return names, fmt.Errorf("read the archive: %w", err)
	}
	return names, nil
}

func unread(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the archive is cut off", ErrIncomplete)
	}
	return fmt.Errorf("unpack the archive: %w", err)
}

// watched notices the end of what it reads.
type watched struct {
	r     io.Reader
	ended bool
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.ended = w.ended || errors.Is(err, io.EOF)
	return n, err
}
