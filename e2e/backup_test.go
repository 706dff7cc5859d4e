package e2e

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/parley-im/parley/api"
)

// backup makes a backup of a data folder in a new folder.
func backup(t testing.TB, data string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "a backup")
	if p := parley(t, nil, "backup", dir, "--data", data); p.code != 0 {
		t.Fatalf("backup ended with code %d: %s", p.code, &p.stderr)
	}
	return dir
}

// restore makes a new data folder of a backup.
func restore(t testing.TB, dir string) (data string) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "restored")
	if p := parley(t, nil, "restore", dir, "--data", data); p.code != 0 {
		t.Fatalf("restore ended with code %d: %s", p.code, &p.stderr)
	}
	return data
}

// headOf is the head of the app of most tests in the database of a folder that
// nobody has open.
func headOf(t testing.TB, dir string) (head uint64) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "parley.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT next - 1 FROM heads WHERE app = ?", appID).Scan(&head); err != nil {
		t.Fatal(err)
	}
	return head
}

// files are the names in a folder; all are for their owner alone, as is the folder.
func files(t testing.TB, dir string) (names []string) {
	t.Helper()
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder %s: %v, %v", dir, info.Mode(), err)
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("file %s of %s: %v, %v", e.Name(), dir, info.Mode(), err)
		}
	}
	return names
}

func TestRestoredBackupHasAllThatWasAnsweredBeforeAndANewEpoch(t *testing.T) {
	t.Parallel()
	rc := ofApp(t, nil)
	data := t.TempDir()
	s := serve(t, nil, oneApp(folder(data), rc, "--group-rate", "0")...)
	lobby(t, s.client())
	w := gather(t, 16, "lobby", "gagged", s.client())
	w.awaitMore(150)
	rc.close() // what follows is not delivered when the backup is made
	w.awaitMore(150)

	var accepted map[uint32]sent
	var refused map[string]api.Code
	w.look(func() { accepted, refused = maps.Clone(w.accepted), maps.Clone(w.refused) })
	dir := backup(t, data)
	w.awaitMore(50) // what the backup does not have
	w.leave()
	old := shown(t, s.client())
	s.kill(t)
	if names := files(t, dir); !slices.Equal(names, []string{"parley.db"}) {
		t.Errorf("the backup is %q", names)
	}
	head := headOf(t, dir)
	if head > old.Head || int(head) < len(refused) {
		t.Errorf("the backup ends at %d; %d were refused before it, %d in all", head, len(refused), old.Head)
	}

	began := len(rc.all())
	rc.comeBack()
	s = serve(t, nil, oneApp(folder(restore(t, dir)), rc, "--group-rate", "0")...)
	app := shown(t, s.client())
	if app.Epoch == old.Epoch || app.Head != head+1_000_000-1 {
		t.Errorf("epoch %s after %s, head %d after %d", app.Epoch, old.Epoch, app.Head, head)
	}
	stored := make(map[uint32]uint64)
	for _, m := range history(t, s.client(), "lobby") {
		stored[m.MsgRandom] = m.MsgSeq
	}
	for random, m := range accepted {
		if stored[random] != m.MsgSeq {
			t.Errorf("message %d was accepted as MsgSeq %d and is stored as %d", random, m.MsgSeq, stored[random])
		}
	}
	if app.Totals.Accepted != uint64(len(stored)) || app.Totals.Refused != head {
		t.Errorf("totals %+v of %d messages and %d exceptions", app.Totals, len(stored), head)
	}

	// What is new comes with the sequence that was promised, what waited with its own.
	for i := range uint64(3) {
		_, err := s.client().SendGroupMsg(t.Context(), say("nowhere", appAdmin, uint32(0xf0000000+i), "hello"))
		if e := rc.event(t, eventOf(err)).Delivery; e.Sequence != head+1_000_000+i || e.Epoch != app.Epoch {
			t.Errorf("new event %d: %+v", i, e)
		}
	}
	for id := range refused {
		rc.event(t, id)
	}
	rc.waitHead(t, appID, head+3) // as many as there are
	seen := make(map[uint64]received)
	for _, e := range rc.all()[began:] {
		if e.Delivery.Epoch != app.Epoch {
			t.Errorf("event %d has epoch %s, the app %s", e.Delivery.Sequence, e.Delivery.Epoch, app.Epoch)
		}
		seen[e.Delivery.Sequence] = e
	}
	for seq, e := range seen {
		if _, ok := seen[e.Delivery.Previous]; !ok && e.Delivery.Previous != 0 {
			t.Errorf("event %d names %d before it, which was never sent in this epoch", seq, e.Delivery.Previous)
		}
	}
	if len(seen) < 100 {
		t.Errorf("%d events came in the new epoch", len(seen))
	}
	rc.noneRefused(t)
	s.stop(t)
}

// pipe joins two commands of the program, as a shell does.
func pipe(t *testing.T, from, to []string) {
	t.Helper()
	first, second := exec.Command(program, from...), exec.Command(program, to...)
	out, err := first.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said [2]strings.Builder
	first.Stderr, second.Stderr, second.Stdin = &said[0], &said[1], out
	if err := errors.Join(first.Start(), second.Run(), first.Wait()); err != nil {
		t.Fatalf("%v\n%s%s", err, said[0].String(), said[1].String())
	}
}

func TestBackupGoesThroughAPipeWithTheKeyOfTheFirstApp(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), strings.Repeat("a long name of a folder ", 8)) // longer than the address of a socket
	s := serve(t, nil, "--data", data)
	made := s.printed(t, `first app made: --app (\d+) --app-key (\S+) --admin (\S+)\n`)
	restored := filepath.Join(t.TempDir(), "restored")
	pipe(t, []string{"backup", "-", "--data", data}, []string{"restore", "-", "--data", restored})
	if names := files(t, restored); !slices.Equal(names, []string{"first-app.json", "lock", "parley.db"}) {
		t.Errorf("restored are %q", names)
	}
	id, err := strconv.ParseInt(made[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	again := serve(t, nil, "--data", restored)
	if _, err := again.clientOf(id, made[2], made[3]).ListApps(t.Context()); err != nil {
		t.Error(err)
	}
	again.stop(t)
	s.stop(t)
	stopped := backup(t, data) // now without a server
	if names := files(t, stopped); !slices.Equal(names, []string{"first-app.json", "parley.db"}) {
		t.Errorf("the backup is %q", names)
	}
}

func TestCopyByHandOfAStoppedFolderIsServedAndRestored(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*server){
		"stopped": func(s *server) { s.stop(t) },
		"killed":  func(s *server) { s.kill(t) }, // what was answered is in the log
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			s := serve(t, nil, oneApp(folder(data), nil)...)
			for i := range uint32(5) {
				if _, err := s.client().SendGroupMsg(t.Context(), say("nowhere", appAdmin, i, "hello")); eventOf(err) == "" {
					t.Fatal(err)
				}
			}
			before := shown(t, s.client())
			stop(s)
			byHand := filepath.Join(t.TempDir(), "by hand")
			if text, err := exec.Command("cp", "-a", data, byHand).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			listed := func() (list []string) {
				for _, e := range must(os.ReadDir(byHand))(t) {
					info := must(e.Info())(t)
					list = append(list, fmt.Sprint(e.Name(), info.Size(), info.ModTime()))
				}
				return list
			}
			untouched := listed()
			restored := restore(t, byHand)
			if now := listed(); !slices.Equal(now, untouched) {
				t.Errorf("the copy was %q and is %q", untouched, now)
			}

			s = serve(t, nil, oneApp(folder(byHand), nil)...) // nothing can know that it is a copy
			if now := shown(t, s.client()); now.Head != 5 || now.Epoch != before.Epoch {
				t.Errorf("the copy has head %d and epoch %s after %s", now.Head, now.Epoch, before.Epoch)
			}
			s.stop(t)
			s = serve(t, nil, oneApp(folder(restored), nil)...)
			if now := shown(t, s.client()); now.Head != 1_000_004 || now.Epoch == before.Epoch || now.Totals != before.Totals {
				t.Errorf("restored, it is %+v after %+v", now, before)
			}
			s.stop(t)
		})
	}
}

// must unwraps what must not fail.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// stuck is a backup to standard output whose reader has stopped reading, so that
// it is under way until somebody ends it.
type stuck struct {
	cmd    *exec.Cmd
	out    io.ReadCloser
	stderr strings.Builder
}

// serveBackup starts a server with some megabytes and a backup of it.
func serveBackup(t *testing.T) (*server, string, *stuck) {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	s := serve(t, nil, oneApp(folder(data), nil, "--group-rate", "0")...)
	group(t, s.client(), api.TypePublic, "lobby")
	for i := range uint32(400) {
		if _, err := s.client().SendGroupMsg(t.Context(), say("lobby", appAdmin, i, strings.Repeat("x", 12_000))); err != nil {
			t.Fatal(err)
		}
	}
	b := &stuck{cmd: exec.Command(program, "backup", "-", "--data", data)}
	b.cmd.Stderr = &b.stderr
	var err error
	if b.out, err = b.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.cmd.Process.Kill(); _ = b.cmd.Wait() })
	if _, err := io.ReadFull(b.out, make([]byte, 512)); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(files(t, data), "parley.db.backup") {
		t.Fatal("there is no copy under way")
	}
	return s, data, b
}

// fails waits for the backup to end in vain.
func (b *stuck) fails(t *testing.T) {
	t.Helper()
	_, _ = io.Copy(io.Discard, b.out)
	var exit *exec.ExitError
	if err := b.cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(b.stderr.String(), "parley: ") {
		t.Errorf("the backup ended with %v and said %q", err, b.stderr.String())
	}
}

func TestKillInMidBackupLeavesAFolderThatStarts(t *testing.T) {
	t.Parallel()
	s, data, b := serveBackup(t)
	s.kill(t)
	b.fails(t)
	s = serve(t, nil, oneApp(folder(data), nil)...)
	if names := files(t, data); slices.Contains(names, "parley.db.backup") {
		t.Errorf("left are %q", names)
	}
	if list := history(t, s.client(), "lobby"); len(list) != 400 {
		t.Errorf("%d messages are stored", len(list))
	}
	backup(t, data)
	s.stop(t)
}

func TestStopInMidBackupLeavesNothing(t *testing.T) {
	t.Parallel()
	s, data, b := serveBackup(t)
	s.stop(t)
	b.fails(t)
	for _, name := range []string{"parley.db.backup", "control"} {
		if slices.Contains(files(t, data), name) {
			t.Errorf("%s was left", name)
		}
	}
}

func TestBackupWhoseClientGoesAwayIsGivenUp(t *testing.T) {
	t.Parallel()
	s, data, b := serveBackup(t)
	p := parley(t, nil, "backup", "-", "--data", data)
	if p.code != 1 || !strings.Contains(p.stderr.String(), "another backup is being made") || p.stdout.String() != "" {
		t.Errorf("a second backup: code %d, %s%s", p.code, &p.stdout, &p.stderr)
	}
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	b.fails(t)
	eventually(t, "the copy is removed", func() bool { return !slices.Contains(files(t, data), "parley.db.backup") })
	backup(t, data)
	s.stop(t)
}

func TestBackupAndRestoreRefuseWhatTheyCannotDo(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := serve(t, nil, oneApp(folder(data), nil)...)
	running := t.TempDir()
	serve(t, nil, oneApp(folder(running), nil)...)
	s.stop(t)
	good := backup(t, data)
	full := filepath.Dir(write(t, "something", "is here"))
	newer := func() string { // one each: who looks at a folder holds it
		dir := restore(t, good)
		makeNewer(t, filepath.Join(dir, "parley.db"))
		return dir
	}
	damaged := restore(t, good)
	if err := os.WriteFile(filepath.Join(damaged, "parley.db"), []byte(strings.Repeat("rubbish!", 8192)), 0o600); err != nil {
		t.Fatal(err)
	}
	fresh := func() string { return filepath.Join(t.TempDir(), "fresh") }

	for name, c := range map[string]struct {
		args []string
		code int
		says []string // a line each
	}{
		"backup without a folder":          {[]string{"backup"}, 2, []string{"expected"}},
		"backup with nothing right":        {[]string{"backup", "", "--data", ""}, 2, []string{"DIR: ", "--data: "}},
		"backup into a full folder":        {[]string{"backup", full, "--data", data}, 1, []string{"not empty"}},
		"backup into a file":               {[]string{"backup", full + "/something", "--data", data}, 1, []string{"something"}},
		"backup of nothing":                {[]string{"backup", fresh(), "--data", fresh()}, 1, []string{"not the data folder of a server"}},
		"backup of a newer database":       {[]string{"backup", fresh(), "--data", newer()}, 1, []string{"newer than this program"}},
		"restore without a folder":         {[]string{"restore"}, 2, []string{"expected"}},
		"restore with nothing right":       {[]string{"restore", "", "--data", ""}, 2, []string{"DIR: ", "--data: "}},
		"restore of nothing":               {[]string{"restore", fresh(), "--data", fresh()}, 1, []string{"no backup"}},
		"restore of a folder without one":  {[]string{"restore", full, "--data", fresh()}, 1, []string{"no parley.db in it"}},
		"restore into a data folder":       {[]string{"restore", good, "--data", data}, 1, []string{"not empty"}},
		"restore into a running server":    {[]string{"restore", good, "--data", running}, 1, []string{"not empty"}},
		"restore into a full folder":       {[]string{"restore", good, "--data", full}, 1, []string{"not empty"}},
		"restore of a running server":      {[]string{"restore", running, "--data", fresh()}, 1, []string{"used by another process"}},
		"restore of a newer database":      {[]string{"restore", newer(), "--data", fresh()}, 1, []string{"newer than this program"}},
		"restore of a damaged database":    {[]string{"restore", damaged, "--data", fresh()}, 1, []string{"parley.db"}},
		"restore of an archive of nothing": {[]string{"restore", "-", "--data", fresh()}, 1, []string{"cut off"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := parley(t, nil, c.args...)
			var faults []string
			for _, line := range p.stderr.lines() {
				if strings.HasPrefix(line, "parley: ") {
					faults = append(faults, line)
				}
			}
			if p.code != c.code || len(faults) != len(c.says) || p.stdout.String() != "" {
				t.Fatalf("code %d, want %d and %d lines:\n%s%s", p.code, c.code, len(c.says), &p.stdout, &p.stderr)
			}
			for i, says := range c.says {
				if !strings.Contains(faults[i], says) {
					t.Errorf("line %d does not say %q: %s", i+1, says, faults[i])
				}
			}
			for _, dir := range c.args[1:] { // nothing looks like a backup or a data folder now
				if list, err := os.ReadDir(dir); err == nil && strings.HasSuffix(dir, "/fresh") {
					for _, e := range list {
						if e.Name() != "lock" {
							t.Errorf("%s was left in %s", e.Name(), dir)
						}
					}
				}
			}
		})
	}
}
