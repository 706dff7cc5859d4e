package config

import "github.com/parley-im/parley/internal/pg"

// DatabaseFlags name a PostgreSQL database instead of a data folder.
type DatabaseFlags struct {
	Database     *string `name:"database" placeholder:"URL" help:"PostgreSQL database instead of a data folder: postgres://USER@HOST/NAME."`
	DatabaseFile string  `name:"database-file" placeholder:"FILE" help:"File that holds the database's URL."`
}

// Given says whether a database is named.
func (r DatabaseFlags) Given() bool {
	return r.Database != nil && *r.Database != "" || r.DatabaseFile != ""
}

// place checks where everything is kept: in a data folder, or in a database.
// data is nil when no folder was named; the default is then usual. One of the
// results is empty.
func (f *Faults) place(data *string, usual string, r DatabaseFlags) (folder, database string) {
	if r.Database != nil && *r.Database == "" {
		r.Database = nil
	}
	before := len(*f)
	url := f.secret("database", r.Database, r.DatabaseFile)
	if url != nil {
		if err := pg.Check(*url); err != nil {
			f.add("database", "%v", err)
		}
		database = *url
	}
	switch {
	case url != nil || len(*f) > before: // a database was meant
		if data != nil {
			f.add("data", "give it or --database, not both")
		}
	case data == nil:
		folder = usual
	case *data == "":
		f.add("data", "a folder is needed")
	default:
		folder = *data
	}
	return folder, database
}
