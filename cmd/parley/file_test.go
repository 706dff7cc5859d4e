package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/usersig"
)

// The file's values are taken as they are written: a key is no number or date.
func TestSecretsOfTheFileAreTakenToTheLetter(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"123e4", "0x12", "0123", "yes", "2026-11-22", "12345678901234567890123"} {
		name := filepath.Join(t.TempDir(), "parley.yaml")
		if err := os.WriteFile(name, []byte("app: 1400000000\napp-key: "+key+"\nuser: jared\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		if code := run([]string{"usersig", "--config", name}, &out, &errs); code != exitOK {
			t.Errorf("%s: exit %d: %s", key, code, errs.String())
			continue
		}
		if _, err := usersig.Verify(strings.TrimSpace(out.String()), 1400000000, "jared", key, time.Now()); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestSecondDocumentOfTheFileIsAFault(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "parley.yaml")
	if err := os.WriteFile(name, []byte("listen: 127.0.0.1:0\n---\ndata: elsewhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := run([]string{"version", "--config", name}, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), "second document") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}
