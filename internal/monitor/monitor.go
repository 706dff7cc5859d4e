package monitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/internal/certs"
	"github.com/parley-im/parley/internal/folder"
	"github.com/parley-im/parley/internal/promise"
	"github.com/prometheus/client_golang/prometheus"
)

// ErrFolderInUse is returned by Start when another process has the data
// folder.
var ErrFolderInUse = folder.ErrInUse

// Monitor is an app backend. Make it with New.
type Monitor struct {
	cfg      Config
	registry *prometheus.Registry
	metrics  *metrics
	board    *promise.Board
	refusals refusals
	streams  *hub
	minute   lastMinute
	addr     atomic.Pointer[string] // beside mu, which Stop holds while callbacks end

	mu       sync.Mutex // guards what Start and Stop change
	started  bool
	stopped  bool
	since    time.Time
	store    *store
	journals map[int64]*journal // by SdkAppid
	follow   context.CancelFunc // ends what follows the journals
	followed chan struct{}      // closed when that has ended
	listener net.Listener
	server   *http.Server
	served   chan struct{} // closed when the server has ended
}

// New returns a monitor that does nothing yet. The error lists every fault of
// cfg. It touches no file and no network.
func New(cfg Config) (*Monitor, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	registry := cfg.Registry
	if registry == nil {
		registry = newRegistry()
	}
	metrics, err := newMetrics(registry)
	if err != nil {
		return nil, err
	}
	board, err := promise.New(cfg.Logger, registry)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return &Monitor{cfg: cfg, registry: registry, metrics: metrics, board: board, streams: &hub{metrics: metrics}}, nil
}

// Start opens the store and listens; it returns when callbacks are received.
// ctx bounds the start only. Started already, it does nothing; after Stop it is
// an error. If it fails it leaves nothing open and can be tried again. It
// returns [ErrFolderInUse] and [ErrNewerDatabase] for these cases, and fails when
// the database takes no writes.
func (m *Monitor) Start(ctx context.Context) (err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.stopped:
		return errors.New("start monitor: it was stopped")
	case m.started:
		return nil
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start monitor: %w", err), m.close(ctx))
		}
	}()
	if m.store, err = openStore(ctx, m.cfg, m.tell, m.board, m.metrics); err != nil {
		return err
	}
	m.since = m.cfg.Now()
	if err := m.openJournals(ctx); err != nil {
		return err
	}
	var listen net.ListenConfig
	if m.listener, err = listen.Listen(ctx, "tcp", m.cfg.Listen); err != nil {
		return err
	}
	m.server = &http.Server{
		Handler:           m.routes(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      40 * time.Second, // streams move it with each write
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(m.cfg.Logger.Handler(), slog.LevelDebug),
	}
	listener := m.listener
	if m.cfg.TLSCert != "" {
		pair, err := certs.Load(m.cfg.TLSCert, m.cfg.TLSKey)
		if err != nil {
			return err
		}
		pair.Logger = m.cfg.Logger
		m.server.TLSConfig = pair.TLSConfig()
	}
	m.addr.Store(new(listener.Addr().String()))
	m.served = make(chan struct{})
	m.begin()
	go m.serve(m.server, listener, m.served)
	m.started = true
	m.cfg.Logger.Info("monitor.started", "address", listener.Addr().String(), "database", m.store.engine.place(), "apps", len(m.cfg.Apps))
	m.warnUnsigned(listener.Addr())
	return nil
}

// openJournals reads how each app's journal stands.
func (m *Monitor) openJournals(ctx context.Context) (err error) {
	journals := make(map[int64]*journal, len(m.cfg.Apps))
	for _, app := range m.cfg.Apps {
		if journals[app.SdkAppid], err = openJournal(ctx, app, m.store, &m.cfg, m.metrics); err != nil {
			return err
		}
	}
	m.journals = journals
	m.metrics.watch(m.standing, m.cfg.Now)
	return nil
}

// begin follows the journals until m.follow is called; m.mu is held.
func (m *Monitor) begin() {
	ctx, cancel := context.WithCancel(context.Background())
	m.follow, m.followed = cancel, make(chan struct{})
	var wg sync.WaitGroup
	for _, j := range m.journals {
		j.stopping = ctx
		wg.Go(func() { j.follow(ctx) })
	}
	go func(followed chan struct{}) {
		wg.Wait()
		close(followed)
	}(m.followed)
}

// standing tells how the journals stand, those that something is known of.
func (m *Monitor) standing() (list []Journal) {
	for _, app := range m.cfg.Apps {
		if j := m.journals[app.SdkAppid].status(m.cfg.Now(), m.since); j.known() {
			list = append(list, j)
		}
	}
	return list
}

func (m *Monitor) serve(server *http.Server, listener net.Listener, served chan struct{}) {
	defer close(served)
	var err error
	if server.TLSConfig != nil {
		err = server.ServeTLS(listener, "", "")
	} else {
		err = server.Serve(listener)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		m.cfg.Logger.Error("monitor.serve_failed", "error", err)
	}
}

// warnUnsigned tells that others can reach an app that demands no signature.
func (m *Monitor) warnUnsigned(addr net.Addr) {
	tcp, ok := addr.(*net.TCPAddr)
	for _, app := range m.cfg.Apps {
		if app.Unsigned() && !(ok && tcp.IP.IsLoopback()) {
			m.cfg.Logger.Warn("monitor.unsigned_app", "app", app.SdkAppid, "address", addr.String())
		}
	}
}

// Addr returns the address that is listened on, host:port; "" unless started.
// OnException may call it.
func (m *Monitor) Addr() string {
	if addr := m.addr.Load(); addr != nil {
		return *addr
	}
	return ""
}

// Stop ends the monitor and returns when nothing of it runs any more: it takes
// no new callback, answers the ones it has, commits what waits and closes the
// database. When ctx ends first, it closes the connections without waiting for
// their answers and lets go of a database that does not answer. Before Start and after Stop it does nothing.
func (m *Monitor) Stop(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return nil
	}
	m.stopped = true
	m.streams.close()
	var err error
	if m.started {
		if err = m.server.Shutdown(ctx); err != nil {
			err = fmt.Errorf("stop monitor: %w", errors.Join(err, m.server.Close()))
		}
		<-m.served
		m.cfg.Logger.Info("monitor.stopped")
	}
	return errors.Join(err, m.close(ctx))
}

// close gives back what Start took, in reverse order; m.mu is held.
func (m *Monitor) close(ctx context.Context) error {
	var faults []error
	if m.listener != nil && !m.started {
		faults = append(faults, m.listener.Close())
	}
	if m.follow != nil {
		m.follow()
		select {
		case <-m.followed:
		case <-ctx.Done(): // they wait for the writer, which ends below
		}
		for _, j := range m.journals {
			j.leave()
		}
	}
	if m.store != nil {
		faults = append(faults, m.store.close(ctx))
	}
	if m.follow != nil {
		<-m.followed
	}
	m.listener, m.store, m.started, m.follow = nil, nil, false, nil
	m.addr.Store(nil)
	return errors.Join(faults...)
}
