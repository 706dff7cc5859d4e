package main

import (
	"fmt"
	"os"

	"github.com/parley-im/parley/internal/backup"
	"github.com/parley-im/parley/internal/config"
	"github.com/parley-im/parley/internal/store/sqlite"
)

type restoreCmd struct {
	From                 string `arg:"" name:"dir" help:"Folder of a backup, or copied by hand of a stopped data folder; - reads a tar archive from standard input."`
	Data                 string `name:"data" default:"parley-data" placeholder:"DIR" help:"Data folder to make."`
	config.DatabaseFlags `embed:""`
}

// Run makes a data folder of a backup, with a new epoch.
func (c *restoreCmd) Run(e *env) error {
	if err := folders(c.From, c.Data, c.DatabaseFlags); err != nil {
		return err
	}
	fill, err := backup.FromArchive(os.Stdin), error(nil)
	if c.From != "-" {
		fill, err = backup.FromFolder(c.From)
	}
	if err != nil {
		return err
	}
	open := func(dir string) (backup.Restored, error) { return sqlite.Open(dir, sqlite.Options{}) }
	if err := backup.Restore(e.ctx, c.Data, fill, open, func(what string) { fmt.Fprintln(e.stderr, what) }); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "restored to %s; a new epoch begins\n", c.Data)
	return nil
}
