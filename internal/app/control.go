package app

import (
	"context"
	"io"

	"github.com/parley-im/parley/internal/backup"
	"github.com/parley-im/parley/internal/control"
)

// listenControl lets commands on this machine reach the server of a data
// folder. A server without one keeps nothing that only it could back up.
func (s *Server) listenControl() {
	db, ok := s.store.(backup.Database)
	if !ok || s.cfg.Data == "" {
		return
	}
	var err error
	s.control, err = control.Listen(s.cfg.Data, func(ctx context.Context, w io.Writer, progress func(done, total int64)) error {
		return backup.Pack(ctx, w, s.cfg.Data, db, progress)
	}, s.log)
	if err != nil { // not every file system has sockets
		s.log.Warn("no backup can be made while this server runs", "error", err)
	}
}
