package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	progressHeader = "Parley-Progress"
	progressEvery  = 500 * time.Millisecond
	// writeTime is how long a client may take for what it is sent at once. One
	// that takes nothing must not keep the copy forever.
	writeTime = time.Minute
	// stopTime is how long what is under way may take to say that it ends.
	stopTime = 200 * time.Millisecond
)

// Backup writes a backup. It writes nothing before it is sure that there will
// be one, and tells progress until then, in bytes.
type Backup func(ctx context.Context, w io.Writer, progress func(done, total int64)) error

// Server listens in a data folder.
type Server struct {
	path   string
	server *http.Server
	cancel context.CancelFunc
	done   chan struct{}
	once   sync.Once
	inWork *sync.RWMutex // shared by handlers; Close takes it for good
}

// Listen serves the folder dir, whose lock the caller holds, until Close.
func Listen(dir string, backup Backup, log *slog.Logger) (*Server, error) {
	l, err := listen(dir)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", filepath.Join(dir, SocketName), err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	mux := http.NewServeMux()
	var inWork sync.RWMutex
	mux.Handle("POST /backup", &backups{make: backup, log: log, inWork: &inWork})
	s := &Server{
		path: filepath.Join(dir, SocketName), cancel: cancel, done: make(chan struct{}), inWork: &inWork,
		server: &http.Server{
			Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
			BaseContext: func(net.Listener) context.Context { return ctx },
			ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
	}
	go func() {
		defer close(s.done)
		if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the control socket is no longer served", "error", err)
		}
	}()
	return s, nil
}

// Close ends what is under way and takes the socket away. It may be called more
// than once.
func (s *Server) Close() {
	s.once.Do(func() {
		s.cancel()
		ctx, stop := context.WithTimeout(context.Background(), stopTime)
		defer stop()
		if s.server.Shutdown(ctx) != nil {
			_ = s.server.Close() // a client that takes nothing
		}
		<-s.done
		s.inWork.Lock()
		_ = os.Remove(s.path) // left, it does no harm
	})
}

// backups serves POST /backup.
type backups struct {
	make   Backup
	log    *slog.Logger
	inWork *sync.RWMutex
}

func (b *backups) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !b.inWork.TryRLock() {
		http.Error(w, "the server stops", http.StatusServiceUnavailable)
		return
	}
	defer b.inWork.RUnlock()
	began := time.Now()
	out := &stream{w: w, control: http.NewResponseController(w)}
	told := began
	err := b.make(r.Context(), out, func(done, total int64) {
		if now := time.Now(); now.Sub(told) >= progressEvery {
			told = now
			out.inTime()
			w.Header().Set(progressHeader, fmt.Sprintf("%d/%d", done, total))
			w.WriteHeader(http.StatusProcessing)
			w.Header().Del(progressHeader)
		}
	})
	switch {
	case err == nil:
		b.log.Info("a backup was made", "bytes", out.bytes, "seconds", time.Since(began).Seconds())
		return
	case r.Context().Err() != nil:
		b.log.Info("a backup was broken off", "bytes", out.bytes)
	default:
		b.log.Warn("a backup could not be made", "bytes", out.bytes, "error", err)
	}
	if out.bytes > 0 { // the client must not take it for complete
		panic(http.ErrAbortHandler)
	}
	out.inTime()
	http.Error(w, err.Error(), http.StatusServiceUnavailable)
}

// stream is the body of an answer. Each write has its time.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	bytes   int64
}

func (s *stream) Write(p []byte) (int, error) {
	if s.bytes == 0 {
		s.w.Header().Set("Content-Type", "application/x-tar")
	}
	s.inTime()
	n, err := s.w.Write(p)
	s.bytes += int64(n)
	return n, err
}

// inTime gives the next write its time. A connection that takes no deadline is
// broken, as the write will tell.
func (s *stream) inTime() { _ = s.control.SetWriteDeadline(time.Now().Add(writeTime)) }
