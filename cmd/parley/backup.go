package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/parley-im/parley/internal/backup"
	"github.com/parley-im/parley/internal/config"
	"github.com/parley-im/parley/internal/control"
	"github.com/parley-im/parley/internal/store/sqlite"
)

type backupCmd struct {
	To                   string `arg:"" name:"dir" help:"Folder to make; - writes a tar archive to standard output."`
	Data                 string `name:"data" default:"parley-data" placeholder:"DIR" help:"Data folder."`
	config.DatabaseFlags `embed:""`
}

// Run makes a backup of a data folder, whether its server runs or not.
func (c *backupCmd) Run(e *env) error {
	if err := folders(c.To, c.Data, c.DatabaseFlags); err != nil {
		return err
	}
	made := func(w io.Writer) error { return backupOf(e.ctx, c.Data, w, percentages(e.stderr)) }
	if c.To == "-" {
		return made(e.stdout)
	}
	if err := backup.Save(c.To, made); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "backup of %s made in %s\n", c.Data, c.To)
	return nil
}

// folders checks the two folders of a command. Of a database it is told who does
// it better.
func folders(dir, data string, database config.DatabaseFlags) error {
	var f config.Faults
	if database.Given() {
		f = append(f, "--database: a PostgreSQL database is backed up and restored with PostgreSQL's own programs (pg_basebackup, pg_dump); "+
			"the server notices that it was restored and begins new epochs")
	}
	if dir == "" {
		f = append(f, "DIR: a folder is needed, or -")
	}
	if data == "" {
		f = append(f, "--data: a folder is needed")
	}
	return f.Err()
}

// backupOf writes the archive: made by the server, which alone can copy what it
// writes, or here if none has the folder.
func backupOf(ctx context.Context, data string, w io.Writer, progress func(done, total int64)) error {
	path, err := filepath.Abs(data)
	if err != nil {
		return err
	}
	store, err := sqlite.OpenStopped(path)
	if errors.Is(err, sqlite.ErrInUse) {
		ferr := control.Fetch(ctx, path, w, progress)
		if errors.Is(ferr, control.ErrNobody) {
			return fmt.Errorf("%w, and that is no server that could make a backup: %w", err, ferr)
		}
		return ferr
	}
	if err != nil {
		return err
	}
	return errors.Join(backup.Pack(ctx, w, path, store, progress), store.Close())
}

// percentages says now and then how far something is.
func percentages(w io.Writer) func(done, total int64) {
	said := time.Now()
	return func(done, total int64) {
		if now := time.Now(); total > 0 && (now.Sub(said) >= 2*time.Second || done == total) {
			said = now
			fmt.Fprintf(w, "copied %d %% of %.1f MB\n", done*100/total, float64(total)/1e6)
		}
	}
}
