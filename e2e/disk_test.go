//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/parley-im/parley/api"
)

// smallDisk is a disk of its own for a data folder.
type smallDisk struct {
	dir  string   // as the server sees it
	seen string   // as the test sees it
	by   []string // the command that has a program see it
}

// newDisk makes a disk of so many megabytes, in memory, in a name space of its own
// that ends with the test.
func newDisk(t *testing.T, mb int) *smallDisk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	d := &smallDisk{dir: t.TempDir()}
	holder := exec.Command("unshare", "-m", "sh", "-c", `mount -t tmpfs -o size="$1"m tmpfs "$2" && echo mounted && exec cat`, "sh", strconv.Itoa(mb), d.dir)
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Skipf("no name space can be made here: %v", err)
	}
	word := make([]byte, 8)
	if _, err := io.ReadFull(out, word); err != nil {
		_ = holder.Wait()
		t.Skip("no disk can be mounted here")
	}
	t.Cleanup(func() { // after the servers are gone
		_ = in.Close()
		_ = holder.Wait()
	})
	pid := strconv.Itoa(holder.Process.Pid)
	d.seen = filepath.Join("/proc", pid, "root", d.dir)
	d.by = []string{"nsenter", "-m", "-t", pid, "--"}
	return d
}

func (d *smallDisk) free(t testing.TB) int64 {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(d.seen, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Bavail) * s.Bsize
}

// fill writes somebody else's file until so many bytes are left, or none.
func (d *smallDisk) fill(t testing.TB, left int64) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(d.seen, "video"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); d.free(t) > left; {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func (d *smallDisk) remove(t testing.TB) {
	t.Helper()
	if err := os.Remove(filepath.Join(d.seen, "video")); err != nil {
		t.Fatal(err)
	}
}

func (d *smallDisk) ballast() int64 {
	info, err := os.Stat(filepath.Join(d.seen, "ballast"))
	if err != nil {
		return 0
	}
	return info.Size()
}

// readiness is what /readyz says.
func (s *server) readiness(t testing.TB) string {
	t.Helper()
	res, err := s.http.Get(s.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(res.StatusCode) + " " + string(text)
}

func TestDiskThatFillsUpLosesNothingThatWasAnswered(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	d := newDisk(t, 64)
	rc := ofApp(t, nil)
	flags := oneApp(folder(d.dir), rc, "--group-rate", "0", "--disk-low", "16MB", "--disk-critical", "8MB", "--ballast", "4MB")
	s := serveBy(t, d.by, nil, flags...)
	c := s.client()
	lobby(t, c)
	state := func(want float64) func() bool {
		return func() bool { return s.metrics(t)["parley_disk_state"] == want }
	}
	if d.ballast() != 4*mb || !state(0)() {
		t.Fatalf("a ballast of %d bytes at the start, %d MB free", d.ballast(), d.free(t)/mb)
	}
	w := gather(t, 2, "lobby", "gagged", c)
	w.awaitMore(20)

	d.fill(t, 13*mb)
	w.await(t, "senders are told 10002", func() bool { return w.codes[api.CodeInternal] >= 20 })
	if m := s.metrics(t); m["parley_unrecorded_refusals"] != 0 || m["parley_disk_free_bytes"] > 16*mb {
		t.Errorf("%v of these refusals are not recorded, %v bytes free", m["parley_unrecorded_refusals"], m["parley_disk_free_bytes"])
	}
	has(t, "the console's status", s.console(t, "GET", "/status", ""), `"Ready":true`, `"Trouble":"the disk is low: `)
	d.fill(t, 0)
	w.awaitUnknown()
	eventually(t, "the server says that the disk is full", func() bool {
		return strings.HasPrefix(s.readiness(t), "503 the disk is full: ")
	})
	eventually(t, "the ballast is gone", func() bool { return d.ballast() == 0 })
	if status := s.health(t, "/healthz"); status != http.StatusOK {
		t.Errorf("/healthz answers %d", status)
	}
	// What it can write now: a mute.
	eventually(t, "a mute is taken", func() bool {
		_, err := c.ForbidSendMsg(t.Context(), api.ForbidSendMsgRequest{GroupId: "lobby", Members_Account: []string{"gagged"}, MuteTime: ptr(uint32(api.Forever))})
		return err == nil
	})
	if _, err := c.CreateGroup(t.Context(), api.CreateGroupRequest{Type: api.TypePublic, Name: "more", GroupId: "more"}); err == nil || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("a group is made on a full disk: %v", err)
	}
	before := s.ledger(t, appID).Attempts
	w.awaitUnknown()
	if now := s.ledger(t, appID).Attempts; now != before {
		t.Errorf("%d attempts began on a full disk", now-before)
	}

	d.remove(t)
	eventually(t, "all is well again", func() bool { return state(0)() && strings.HasPrefix(s.readiness(t), "200 ") })
	w.awaitMore(20)
	eventually(t, "the ballast is made again", func() bool { return d.ballast() == 4*mb })
	w.settle(s, rc)
	w.repeat(c, 20)
	s.balance(t)
	if text := s.stderr.String(); strings.Count(text, "disk.ok") != 1 {
		t.Error("the state flapped")
	}
	archive := filepath.Join(t.TempDir(), "backup")
	if p := launchBy(t, d.by, nil, "backup", archive, "--data", d.dir); p.end(t) != 0 {
		t.Errorf("a backup ends with %d", p.code)
	}
	if _, err := os.Stat(filepath.Join(archive, "ballast")); err == nil {
		t.Error("the ballast is in the backup")
	}
	s.stop(t)
}

// Nobody watches, or the disk fills up faster than anybody can look; and a server
// that is killed then starts on the full disk.
func TestDiskThatIsFullAllAtOnce(t *testing.T) {
	t.Parallel()
	for name, watch := range map[string][]string{
		"watched":     {"--disk-low", "16MB", "--disk-critical", "8MB", "--ballast", "4MB"},
		"not watched": {"--disk-low", "0", "--disk-critical", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDisk(t, 64)
			rc := ofApp(t, nil)
			flags := oneApp(folder(d.dir), rc, append([]string{"--group-rate", "0"}, watch...)...)
			s := serveBy(t, d.by, nil, flags...)
			lobby(t, s.client())
			w := gather(t, 2, "lobby", "gagged", s.client())
			for round := range 3 {
				w.awaitMore(20)
				d.fill(t, 0)
				w.awaitSick(5)
				if round == 1 && name == "watched" {
					s.kill(t)
					s = serveBy(t, d.by, nil, flags...)
					w.move(0, s.client())
					eventually(t, "it serves, and says that the disk is full", func() bool {
						return strings.HasPrefix(s.readiness(t), "503 ")
					})
				}
				d.remove(t)
				eventually(t, fmt.Sprintf("it recovers by itself in round %d", round), func() bool { return s.health(t, "/readyz") == http.StatusOK })
			}
			w.awaitMore(20)
			w.settle(s, rc)
			w.repeat(s.client(), 20)
			if name != "watched" { // else a killed process had attempts of its own
				s.balance(t)
			}
			s.stop(t)
		})
	}
}
