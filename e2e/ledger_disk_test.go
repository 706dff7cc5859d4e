//go:build linux

package e2e

import (
	"os"
	"testing"
)

// The disk of the data folder is full for a while, under load; then the server
// is killed, after it has recovered.
func TestLedgerOfAFullDisk(t *testing.T) {
	if !long {
		t.Parallel()
	}
	d := newDisk(t, 64) // skips where it cannot be made
	p := folder(d.dir)
	r := newRun(t, p, func(flags ...string) *server {
		return serveBy(t, d.by, nil, append(flags, "--disk-low", "16MB", "--disk-critical", "8MB", "--ballast", "4MB")...)
	})
	r.seen = func() place { // SQLite would look for the name in this process's own disks
		out := t.TempDir()
		if err := os.CopyFS(out, os.DirFS(d.seen)); err != nil {
			t.Fatal(err)
		}
		return folder(out)
	}
	pace := 400
	if long {
		pace = 2000
	}
	r.change()
	r.senders.awaitMore(pace)
	d.fill(t, 0)
	r.senders.awaitSick(200)
	r.sick = true // an endpoint that is paused now may have to wait
	r.change()
	r.sick = false
	d.remove(t)
	r.server.awaitReady(t)
	r.senders.awaitMore(pace)
	r.kill()
	r.senders.awaitMore(pace)
	r.close()
}
