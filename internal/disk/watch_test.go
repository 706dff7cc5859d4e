package disk_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/internal/disk"
)

const mb = 1 << 20

// rig is a watch over a folder whose free room is what a test says, less what the
// ballast takes up.
type rig struct {
	*disk.Watch
	dir    string
	room   atomic.Int64 // of everything but the ballast
	broken atomic.Bool
	states chan disk.State
	log    bytes.Buffer
}

func (r *rig) ballast() int64 {
	info, err := os.Stat(filepath.Join(r.dir, disk.BallastName))
	if err != nil {
		return 0
	}
	return info.Size()
}

func start(t *testing.T, room int64) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir(), states: make(chan disk.State, 100)}
	r.room.Store(room)
	r.Watch = disk.Start(disk.Options{
		Dir: r.dir, Marks: disk.Marks{Low: 16 * mb, Critical: 8 * mb}, Ballast: 4 * mb,
		Free: func() (int64, error) {
			if r.broken.Load() {
				return 0, errors.New("no answer")
			}
			return r.room.Load() - r.ballast(), nil
		},
		Changed: func(s disk.State) { r.states <- s },
		Log:     slog.New(slog.NewTextHandler(&r.log, nil)),
	})
	t.Cleanup(r.Stop)
	return r
}

func TestBallastIsFreedWhenTheDiskIsFullAndMadeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, 100*mb)
		is := func(what string, want disk.State, ballast int64) {
			t.Helper()
			time.Sleep(time.Second)
			synctest.Wait()
			if got := r.Read(); got.State != want || r.ballast() != ballast {
				t.Fatalf("%s: %+v with a ballast of %d, want %v and %d", what, got, r.ballast(), want, ballast)
			}
		}
		is("room", disk.OK, 4*mb)
		r.room.Store(19 * mb)
		is("15 MB free", disk.Low, 4*mb)
		r.room.Store(11 * mb)
		is("7 MB free", disk.Critical, 0)
		if got := r.Read(); got.Free != 11*mb || got.Mark != 8*mb {
			t.Errorf("without the ballast: %+v", got)
		}
		is("a second later: what the ballast gave does not count", disk.Critical, 0)
		r.room.Store(14 * mb)
		is("14 MB free, 4 of them given", disk.Low, 0)
		r.room.Store(18 * mb)
		is("18 MB free: room, but not for the ballast", disk.OK, 0)
		r.room.Store(22 * mb)
		is("22 MB free", disk.OK, 4*mb)
		r.Stop()
		var got []disk.State
		for len(r.states) > 0 {
			got = append(got, <-r.states)
		}
		if want := []disk.State{disk.Low, disk.Critical, disk.Low, disk.OK}; !equal(got, want) {
			t.Errorf("told of %v, want %v", got, want)
		}
		if n := strings.Count(r.log.String(), "\n"); n != 7 { // four states, the ballast made twice and removed once
			t.Errorf("%d lines of log:\n%s", n, &r.log)
		}
	})
}

func equal(a, b []disk.State) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestStartWithoutRoomMakesNoBallast(t *testing.T) {
	t.Parallel()
	r := start(t, 17*mb)
	if got := r.Read(); got.State != disk.OK || r.ballast() != 0 {
		t.Errorf("%+v, %d", got, r.ballast())
	}
}

func TestWriteErrorHasTheDiskLookedAtAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, 100*mb)
		r.room.Store(5 * mb)
		r.Look()
		synctest.Wait() // no time passes
		if got := r.Read(); got.State != disk.Critical || r.ballast() != 0 {
			t.Errorf("%+v, %d", got, r.ballast())
		}
		r.Stop()
	})
}

func TestStateStaysWhileTheRoomCannotBeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, 10*mb)
		r.broken.Store(true)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := r.Read(); got.State != disk.Low || got.Free != 10*mb {
			t.Errorf("%+v", got)
		}
		r.Stop()
		if n := strings.Count(r.log.String(), "disk.unknown"); n != 1 {
			t.Errorf("logged %d times", n)
		}
	})
}

func TestBallastReallyTakesUpRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := disk.Start(disk.Options{Dir: dir, Ballast: 8 * mb})
	w.Stop()
	w.Stop()
	if n := blocks(t, filepath.Join(dir, disk.BallastName)); n < 8*mb {
		t.Errorf("it takes up %d bytes", n)
	}
	if n, err := disk.RemoveBallast(dir); n != 8*mb || err != nil {
		t.Errorf("removed: %d, %v", n, err)
	}
	if n, err := disk.RemoveBallast(dir); n != 0 || err != nil {
		t.Errorf("there is none any more: %d, %v", n, err)
	}
	if n, err := disk.Free(dir); n <= 0 || err != nil {
		t.Errorf("%d free, %v", n, err)
	}
}

func TestNoWatchIsADiskWithRoom(t *testing.T) {
	t.Parallel()
	var w *disk.Watch
	w.Look()
	w.Stop()
	if got := w.Read(); got != (disk.Reading{}) {
		t.Errorf("%+v", got)
	}
}
