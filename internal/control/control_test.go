package control_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/parley-im/parley/internal/control"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func listen(t *testing.T, dir string, b control.Backup) *control.Server {
	t.Helper()
	s, err := control.Listen(dir, b, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func nobody(int64, int64) {}

func TestBackupIsFetchedWithItsProgress(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{
		"short path": t.TempDir(),
		"long path":  filepath.Join(t.TempDir(), strings.Repeat("long/", 40)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			told := make(chan struct{})
			s := listen(t, dir, func(ctx context.Context, w io.Writer, progress func(done, total int64)) error {
				for { // until the client was told
					progress(3, 4)
					select {
					case <-told:
						_, err := io.WriteString(w, "the backup")
						return err
					case <-ctx.Done():
						return ctx.Err()
					default:
					}
				}
			})
			info, err := os.Stat(filepath.Join(dir, control.SocketName))
			if err != nil || info.Mode() != os.ModeSocket|0o600 {
				t.Errorf("the socket: %v, %v", info.Mode(), err)
			}
			var got strings.Builder
			first := true
			err = control.Fetch(t.Context(), dir, &got, func(done, total int64) {
				if done != 3 || total != 4 {
					t.Errorf("progress %d of %d", done, total)
				}
				if first {
					first = false
					close(told)
				}
			})
			if err != nil || got.String() != "the backup" {
				t.Errorf("%q, %v", got.String(), err)
			}
			s.Close()
			if list, _ := os.ReadDir(dir); len(list) != 0 {
				t.Errorf("left is %v", list)
			}
		})
	}
}

func TestSocketThatAKilledServerLeftIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, control.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := control.Fetch(t.Context(), dir, io.Discard, nobody); !errors.Is(err, control.ErrNobody) {
		t.Errorf("with nobody there: %v", err)
	}
	listen(t, dir, func(context.Context, io.Writer, func(done, total int64)) error { return nil })
	if err := control.Fetch(t.Context(), dir, io.Discard, nobody); err != nil {
		t.Error(err)
	}
}

func TestFaultIsToldAndHalfABackupIsNoBackup(t *testing.T) {
	t.Parallel()
	for name, begun := range map[string]bool{"before its beginning": false, "in the middle": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			listen(t, dir, func(_ context.Context, w io.Writer, _ func(done, total int64)) error {
				if begun {
					if _, err := w.Write(make([]byte, 100_000)); err != nil {
						t.Error(err)
					}
				}
				return errors.New("the disk is full")
			})
			err := control.Fetch(t.Context(), dir, io.Discard, nobody)
			if err == nil || !begun && !strings.Contains(err.Error(), "the disk is full") {
				t.Error(err)
			}
		})
	}
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	for name, writes := range map[string]bool{"a backup that waits": false, "a client that takes nothing": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			begun, ended := make(chan struct{}), make(chan error, 1)
			s := listen(t, dir, func(ctx context.Context, w io.Writer, _ func(done, total int64)) (err error) {
				defer func() { ended <- err }()
				close(begun)
				for writes {
					if _, err := w.Write(make([]byte, 1<<20)); err != nil {
						return err
					}
				}
				<-ctx.Done()
				return ctx.Err()
			})
			r, w := io.Pipe() // nobody reads it
			fetched := make(chan error, 1)
			go func() { fetched <- control.Fetch(t.Context(), dir, w, nobody) }()
			<-begun
			s.Close()
			s.Close()
			if err := <-ended; err == nil {
				t.Error("the backup ended well")
			}
			_ = r.Close()
			if err := <-fetched; err == nil {
				t.Error("the client got a backup")
			}
		})
	}
}

func TestClientThatGoesAwayEndsItsBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	begun, ended := make(chan struct{}), make(chan error, 1)
	listen(t, dir, func(ctx context.Context, _ io.Writer, _ func(done, total int64)) error {
		close(begun)
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	fetched := make(chan error, 1)
	go func() { fetched <- control.Fetch(ctx, dir, io.Discard, nobody) }()
	<-begun
	cancel()
	if err := <-fetched; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-ended
}
