package transfer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/dbfile"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/wire"
)

// source is the data folder of a server that does not run.
type source struct {
	dir   string
	store *sqlite.Store // holds the folder's lock
	db    *sql.DB       // reads
	move  sqlite.Move
}

// openSource opens the folder, brings its schema up to date, and ends its
// housekeeping.
func openSource(ctx context.Context, dir string) (*source, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, sqlite.FileName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is no data folder of a server: it holds no %s", dir, sqlite.FileName)
	} else if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(dir, sqlite.Options{Move: true, Erase: wire.Erase})
	if errors.Is(err, sqlite.ErrInUse) {
		err = fmt.Errorf("%w; stop the server first", err)
	}
	if err != nil {
		return nil, err
	}
	s := &source{dir: dir, store: store}
	if err := s.settle(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// settle makes sure that the folder holds all that its server told, and nothing
// that is only to be purged.
func (s *source) settle(ctx context.Context) (err error) {
	if s.move, err = sqlite.ReadMove(s.dir); err != nil {
		return err
	}
	n, err := chat.LeftUnrecorded(s.dir)
	if err == nil && n > 0 {
		err = fmt.Errorf("%s holds %d refusals that were told and are not recorded yet; start the server on it once, then stop it", s.dir, n)
	}
	if err != nil {
		return err
	}
	for more := true; more; {
		if more, err = s.store.Maintain(); err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("end the housekeeping of %s: %w", s.dir, err)
		}
	}
	s.db, err = sql.Open("sqlite", dbfile.DSN(filepath.Join(s.dir, sqlite.FileName), "busy_timeout(2000)", "query_only(1)", "cache_size(-16000)"))
	return err
}

func (s *source) close() error {
	var err error
	if s.db != nil {
		err = s.db.Close()
	}
	return errors.Join(err, s.store.Close())
}

// note writes down how far the move is.
func (s *source) note(id, place string, state sqlite.MoveState) error {
	m := sqlite.Move{ID: id, To: place, State: state, At: time.Now().UTC().Truncate(time.Second)}
	if err := sqlite.WriteMove(s.dir, m); err != nil {
		return fmt.Errorf("write down the move in %s: %w", s.dir, err)
	}
	s.move = m
	return nil
}

// number reads one number.
func (s *source) number(ctx context.Context, query string) (n int64, err error) {
	err = s.db.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

// count counts the rows of a table.
func (s *source) count(ctx context.Context, t *table) (int64, error) {
	return s.number(ctx, "SELECT count(*) FROM "+t.from)
}
