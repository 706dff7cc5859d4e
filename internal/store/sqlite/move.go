package sqlite

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/parley-im/parley/internal/folder"
)

// ErrMoved: what the folder holds was moved to another database, which goes on
// with the same epochs and sequences.
var ErrMoved = errors.New("the data folder was moved")

// MoveName is the file of a data folder that tells of its move.
const MoveName = "moved"

// MoveState is how far a move is.
type MoveState string

// The states of a move.
const (
	// Moving: what the folder holds is being carried over. It may still be
	// served, which makes the move Void.
	Moving MoveState = "moving"
	// Void: the folder was served after carrying over had begun, so what was
	// carried over so far is of no use.
	Void MoveState = "void"
	// Moved: everything was carried over. The folder is not served again.
	Moved MoveState = "moved"
)

// Move is what a data folder tells of its move to another database. The zero
// value is of a folder that was never moved.
type Move struct {
	ID    string    `json:"id"`
	To    string    `json:"to"` // without user and password
	State MoveState `json:"state"`
	At    time.Time `json:"at"`
}

// ReadMove reads what the folder dir tells of its move.
func ReadMove(dir string) (m Move, err error) {
	text, err := os.ReadFile(filepath.Join(dir, MoveName))
	if errors.Is(err, fs.ErrNotExist) {
		return Move{}, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err == nil && m.State != Moving && m.State != Void && m.State != Moved {
		err = fmt.Errorf("%q is no state of a move", m.State)
	}
	if err != nil {
		return Move{}, fmt.Errorf("read %s: %w", filepath.Join(dir, MoveName), err)
	}
	return m, nil
}

// WriteMove replaces what the folder dir tells of its move: after a crash there
// is the old or the new. The folder must be the caller's alone.
func WriteMove(dir string, m Move) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	final := filepath.Join(dir, MoveName)
	part := final + ".part"
	if err := os.WriteFile(part, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return folder.Replace(part, final)
}

// mayServe refuses a folder that was moved, and makes a move that has only begun
// void.
func mayServe(dir string) error {
	m, err := ReadMove(dir)
	switch {
	case err != nil:
		return err
	case m.State == Moved:
		return fmt.Errorf("%w to %s at %s and is not served any more; if that database is given up, remove %s",
			ErrMoved, m.To, m.At.Format(time.RFC3339), filepath.Join(dir, MoveName))
	case m.State == Moving:
		m.State = Void
		return WriteMove(dir, m)
	}
	return nil
}
