package config

import "github.com/parley-im/parley/internal/pg"

// MigrateFlags are the texts that `parley migrate` is given.
type MigrateFlags struct {
	From   string  `name:"from" placeholder:"DIR" help:"Data folder of the server, which must be stopped."`
	To     *string `name:"to" placeholder:"URL" help:"PostgreSQL database without apps: postgres://USER@HOST/NAME."`
	ToFile string  `name:"to-file" placeholder:"FILE" help:"File that holds the database's URL."`
}

// Migrate is a checked move of a data folder into a database.
type Migrate struct{ From, To string }

// Parse checks the flags. The error is [Faults].
func (r MigrateFlags) Parse() (Migrate, error) {
	var f Faults
	m := Migrate{From: r.From}
	if r.From == "" {
		f.add("from", "a data folder is needed")
	}
	before := len(f)
	to := f.secret("to", r.To, r.ToFile)
	switch {
	case len(f) > before:
	case to == nil || *to == "":
		f.add("to", "a database is needed: postgres://USER@HOST/NAME")
	default:
		m.To = *to
		if err := pg.Check(m.To); err != nil {
			f.add("to", "%v", err)
		}
	}
	return m, f.Err()
}
