package app

import (
	"context"
	"errors"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pg"
	"github.com/parley-im/parley/internal/promise"
	"github.com/parley-im/parley/internal/store/postgres"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/wire"
)

// store is what the server needs of either engine.
type store interface {
	chat.Store
	// Promises are what the settings of the database promise to what is stored.
	Promises(ctx context.Context) ([]promise.Promise, error)
}

// openStore opens the database of the configuration, or the data folder.
func (s *Server) openStore(ctx context.Context) (store, error) {
	if s.cfg.Database != "" {
		db, err := postgres.Open(ctx, s.cfg.Database, postgres.Options{Log: s.log, Erase: wire.Erase, Keep: s.cfg.Keep, Removed: s.metrics.removedEvents})
		return opened(db, pg.OneLine(err))
	}
	options := sqlite.Options{
		Erase: wire.Erase, Wake: func() { s.backend.Tend() }, Log: s.log, Keep: s.cfg.Keep, Removed: s.metrics.removedEvents,
		CheckpointAt: s.logSize(), Spare: s.cfg.Disk.Low + s.cfg.Disk.Low/4,
	}
	db, err := sqlite.Open(s.cfg.Data, options)
	if err != nil && !errors.Is(err, sqlite.ErrInUse) && s.unballast() {
		db, err = sqlite.Open(s.cfg.Data, options)
	}
	return opened(db, err)
}

// opened keeps a nil pointer from becoming a store that is not nil.
func opened[S store](s S, err error) (store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Place names where everything is kept, without user and password.
func (s *Server) Place() string {
	if db, ok := s.store.(*postgres.Store); ok {
		return db.Place()
	}
	return s.cfg.Data
}

// promise logs and exports what the database promises.
func (s *Server) promise(ctx context.Context) error {
	board, err := promise.New(s.log, s.registry)
	if err != nil {
		return err
	}
	list, err := s.store.Promises(ctx)
	if err != nil {
		return err
	}
	board.Show(list)
	return nil
}
