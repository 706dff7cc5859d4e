package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/config"
)

func TestDataIsInAFolderOrInADatabase(t *testing.T) {
	t.Parallel()
	const url = "postgres://parley:s3cret@127.0.0.1/parley"
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file, empty := write("url", url+"\n"), write("empty", "\n")
	for name, c := range map[string]struct {
		data, database *string
		file           string
		wantData       string
		wantDatabase   string
		faults         []string
	}{
		"neither":             {wantData: "monitor-data"},
		"a folder":            {data: new("d"), wantData: "d"},
		"a database":          {database: new(url), wantDatabase: url},
		"a database in file":  {file: file, wantDatabase: url},
		"an empty database":   {database: new(""), wantData: "monitor-data"},
		"an empty folder":     {data: new(""), faults: []string{"--data: a folder is needed"}},
		"both":                {data: new("d"), database: new(url), faults: []string{"--data: give it or --database, not both"}},
		"folder and file":     {data: new("d"), file: file, faults: []string{"--data: give it or --database, not both"}},
		"database and file":   {database: new(url), file: file, faults: []string{"--database: give it or --database-file, not both"}},
		"a file without URL":  {file: empty, faults: []string{"--database-file: " + empty + " is empty"}},
		"no URL":              {database: new("s3cret"), faults: []string{"--database: "}},
		"another kind of URL": {database: new("mysql://u:s3cret@h/d"), faults: []string{"--database: "}},
		"a broken URL":        {database: new("postgres://u:s3cret%zz@h/d"), faults: []string{"--database: "}},
		"a broken port":       {database: new("postgres://u:s3cret@h:port/d"), faults: []string{"--database: "}},
		"a broken parameter":  {database: new("postgres://h/d?sslmode=x&password=s3cret"), faults: []string{"--database: "}},
		"everything at once":  {data: new("d"), database: new("postgres://u:s3cret@h/d?sslmode=x"), faults: []string{"--database: ", "--data: give it"}},
	} {
		flags := config.MonitorFlags{Listen: "127.0.0.1:0", Data: c.data, MonitorApp: config.MonitorApp{App: "7"}}
		flags.Database, flags.DatabaseFile = c.database, c.file
		m, err := flags.Parse(nil)
		if err == nil {
			if len(c.faults) > 0 || m.Data != c.wantData || m.Database != c.wantDatabase {
				t.Errorf("%s: folder %q, database %q", name, m.Data, m.Database)
			}
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != len(c.faults) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, line := range lines {
			if !strings.HasPrefix(line, c.faults[i]) || strings.Contains(line, "s3cret") {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}
