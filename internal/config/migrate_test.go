package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/config"
)

func TestMoveNeedsAFolderAndADatabase(t *testing.T) {
	t.Parallel()
	const url = "postgres://parley:s3cret@127.0.0.1/parley"
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(url+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		flags  config.MigrateFlags
		faults []string
	}{
		"both":                {flags: config.MigrateFlags{From: "d", To: new(url)}},
		"the URL in a file":   {flags: config.MigrateFlags{From: "d", ToFile: file}},
		"URL and file":        {config.MigrateFlags{From: "d", To: new(url), ToFile: file}, []string{"--to: give it or --to-file, not both"}},
		"nothing":             {config.MigrateFlags{}, []string{"--from: a data folder", "--to: a database"}},
		"empty":               {config.MigrateFlags{To: new("")}, []string{"--from: a data folder", "--to: a database"}},
		"another kind of URL": {config.MigrateFlags{To: new("mysql://u:s3cret@h/d")}, []string{"--from: a data folder", "--to: it is no URL"}},
		"a broken URL":        {config.MigrateFlags{From: "d", To: new("postgres://u:s3cret@h:port/d")}, []string{"--to: "}},
	} {
		m, err := c.flags.Parse()
		if err == nil {
			if len(c.faults) > 0 || m != (config.Migrate{From: "d", To: url}) {
				t.Errorf("%s: %+v", name, m)
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
