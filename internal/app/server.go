// Package app wires the programs together. It is the only place that knows all
// other packages: New builds, Start serves, Stop undoes it in the reverse order
// and ends in bounded time, however far Start came.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/parley-im/parley/internal/alert"
	"github.com/parley-im/parley/internal/caller"
	"github.com/parley-im/parley/internal/certs"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/config"
	"github.com/parley-im/parley/internal/console"
	"github.com/parley-im/parley/internal/control"
	"github.com/parley-im/parley/internal/delivery"
	"github.com/parley-im/parley/internal/live"
	"github.com/parley-im/parley/internal/manage"
	"github.com/parley-im/parley/internal/rest"
	"github.com/parley-im/parley/internal/wire"
)

// stopTime is how long requests may go on after Stop began.
const stopTime = 5 * time.Second

// userChanges is the pace of what users change over their connections: enough for
// whoever works by hand, or sets up a group with a program.
var userChanges = chat.Pace{Rate: 10, Burst: 50}

// Server is `parley serve`: the IM backend.
type Server struct {
	cfg      config.Serve
	log      *slog.Logger
	observer delivery.Observer
	registry *prometheus.Registry
	metrics  *metrics
	space    space

	store    store
	backend  *chat.Backend
	asker    *delivery.Asker
	lanes    *lanes
	alerts   *alert.Poster
	feed     *manage.Feed // of those who wait for events
	live     *live.Door
	console  *console.Console
	control  *control.Server
	doors    []*door
	digest   *digest
	first    *FirstApp
	stopOnce sync.Once
	stopErr  error
}

// FirstApp is the app that the first start makes when there is none.
type FirstApp struct {
	ID    chat.AppID
	Key   string
	Admin chat.UserID
}

// door is one listening address.
type door struct {
	server   *http.Server
	listener net.Listener
	done     chan struct{}
}

// NewServer builds a server. observer, which may be nil, is told of each
// delivery attempt.
func NewServer(cfg config.Serve, log *slog.Logger, observer delivery.Observer) *Server {
	return &Server{cfg: cfg, log: log, observer: observer, registry: prometheus.NewRegistry(), feed: manage.NewFeed()}
}

// Start opens the store, brings the apps to their settings and serves. After an
// error everything that was started has been stopped.
func (s *Server) Start(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			s.Stop()
		}
	}()
	if err := s.checkHosts(); err != nil {
		return err
	}
	s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	public, err := s.listen(s.cfg.Listen)
	if err != nil {
		return err
	}
	var admin net.Listener
	if s.cfg.AdminListen != "" {
		if admin, err = s.listen(s.cfg.AdminListen); err != nil {
			return errors.Join(err, public.Close())
		}
	}
	defer func() {
		if err != nil { // closing a listener twice does no harm
			_ = public.Close()
			if admin != nil {
				_ = admin.Close()
			}
		}
	}()
	if s.cfg.TLSCert != "" {
		pair, err := certs.Load(s.cfg.TLSCert, s.cfg.TLSKey)
		if err != nil {
			return err
		}
		pair.Logger = s.log
		public = tls.NewListener(public, pair.TLSConfig())
	}
	s.metrics = newMetrics(s.registry)
	newDiskMetrics(s.registry, &s.space)
	if s.store, err = s.openStore(ctx); err != nil {
		return err
	}
	if err := s.promise(ctx); err != nil {
		return err
	}
	unrecorded, err := chat.OpenUnrecorded(s.cfg.Data)
	if err != nil {
		return err
	}
	rejected := caller.NewRejected(s.registry)
	s.live = live.New(live.Config{
		Logger: s.log, Registry: s.registry, Rejected: rejected, TrustedProxies: s.cfg.TrustedProxies,
		Connections: s.cfg.Connections.All, UserConnections: s.cfg.Connections.OfUser, PushMemory: s.cfg.Connections.PushMemory,
	})
	network := delivery.Network{Hosted: s.cfg.Hosted, Proxy: s.cfg.CallbackProxy}
	s.asker = delivery.NewAsker(network, s.log)
	s.alerts = alert.New(s.cfg.AlertURL, s.log)
	s.lanes = newLanes(s.store, s.log)
	s.lanes.options = delivery.Options{
		Reader: s.store, Log: s.log, Network: network, AlarmAfter: s.cfg.AlertAfter, Alert: s.alerts.Raise,
		Observer: observers{newDeliveries(s.registry, s.lanes.deliverer), s.observer},
	}
	s.backend = chat.New(chat.Options{
		Store: s.store, Render: wire.Bodies{}, Offers: offers{s.lanes, s.feed, s.live}, Audience: s.live, Memory: s.live, Asker: s.asker, Log: s.log,
		Unrecorded: unrecorded, FaultRandom: s.cfg.FaultInternal, Space: &s.space, Refusals: s.cfg.Refusals, Changes: userChanges,
	})
	if err := s.backend.Start(ctx); err != nil {
		return err
	}
	s.metrics.watch(s.backend)
	s.watchDisk()
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.lanes.start(s.backend)
	s.digest = startDigest(s.backend, s.log)

	doors := rest.Config{
		Backend: s.backend, Logger: s.log, Rejected: rejected, TrustedProxies: s.cfg.TrustedProxies,
		Operator: s.operator(), Ready: s.ready, Trouble: s.fullness, Feed: s.feed, Lanes: s.lanes, Tester: samples{s.backend, network},
		CheckCallbackURL: func(u string) error { return delivery.CheckHost(u, s.cfg.Hosted) },
	}
	if err := s.live.Open(s.backend); err != nil {
		return err
	}
	s.serve(public, publicDoors(rest.New(doors), s.live.Handler()))
	if admin != nil {
		if s.console, err = console.New(console.Config{
			Listen: s.cfg.AdminListen, Logger: s.log, Password: s.cfg.AdminPassword, TrustedProxies: s.cfg.TrustedProxies,
			Gatherer: s.registry, Ready: s.ready, API: rest.NewConsole(doors),
		}); err != nil {
			return err
		}
		s.serve(admin, s.console.Handler())
	}
	s.listenControl()
	return nil
}

// checkHosts refuses callback URLs that could never be called.
func (s *Server) checkHosts() error {
	var faults config.Faults
	for _, a := range s.cfg.Apps {
		if u := a.Change.CallbackURL; u != nil && *u != "" {
			if err := delivery.CheckHost(*u, s.cfg.Hosted); err != nil {
				faults = append(faults, fmt.Sprintf("--callback-url: app %d: %v", a.ID, err))
			}
		}
	}
	return faults.Err()
}

// listen opens an address; the error names it.
func (s *Server) listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}

func (s *Server) serve(l net.Listener, h http.Handler) {
	d := &door{listener: l, done: make(chan struct{}), server: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}}
	s.doors = append(s.doors, d)
	go func() {
		defer close(d.done)
		if err := d.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("an address is no longer served", "address", l.Addr().String(), "error", err)
		}
	}()
}

// publicDoors leads the addresses of clients to their door, and all others to the
// other one.
func publicDoors(rest, clients http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, path := range live.Paths {
			if strings.HasPrefix(r.URL.Path, path) {
				clients.ServeHTTP(w, r)
				return
			}
		}
		rest.ServeHTTP(w, r)
	})
}

// settle makes and updates the apps of the configuration. With no app at all it
// makes the first one.
func (s *Server) settle(ctx context.Context) error {
	for _, want := range s.cfg.Apps {
		if err := s.ensure(ctx, want); err != nil {
			var r *chat.Refusal
			if errors.As(err, &r) {
				return fmt.Errorf("app %d: %s", want.ID, r.Info)
			}
			return fmt.Errorf("app %d: %w", want.ID, err)
		}
	}
	if len(s.backend.AppIDs()) > 0 {
		return nil
	}
	return s.makeFirst(ctx)
}

func (s *Server) ensure(ctx context.Context, want config.App) error {
	if have, ok := s.backend.App(want.ID); ok {
		if s.isAsWanted(have, &want) { // nothing is written, which a full disk could not take
			return nil
		}
		return s.backend.UpdateApp(ctx, want.ID, func(a *chat.App, e *chat.Endpoint) error {
			a.Key = want.Key
			return wire.ApplyAppChange(&want.Change, a, e)
		})
	}
	a := chat.App{ID: want.ID, Key: want.Key, Admins: []chat.UserID{defaultAdmin}, Settings: chat.DefaultSettings()}
	e := chat.Endpoint{Commands: []string{chat.CommandSendMsgException}}
	if err := wire.ApplyAppChange(&want.Change, &a, &e); err != nil {
		return err
	}
	return s.backend.CreateApp(ctx, a, e)
}

// isAsWanted says whether an app has the settings that it is to have.
func (s *Server) isAsWanted(have *chat.App, want *config.App) bool {
	had := s.backend.Endpoint(want.ID, chat.PrimaryEndpoint)
	if had == nil {
		return false
	}
	a, e := *have, *had
	a.Key = want.Key
	return wire.ApplyAppChange(&want.Change, &a, &e) == nil && reflect.DeepEqual(&a, have) && reflect.DeepEqual(&e, had)
}

const defaultAdmin = "administrator"

// operator is the app whose admins may manage the others: the one of the flags,
// else the one with the lowest id.
func (s *Server) operator() chat.AppID {
	if s.cfg.Operator {
		return s.cfg.Apps[0].ID
	}
	if ids := s.backend.AppIDs(); len(ids) > 0 {
		return slices.Min(ids)
	}
	return 0
}

// Stop ends everything: the doors first, then what they started, the store
// last. It may be called more than once.
func (s *Server) Stop() error {
	s.stopOnce.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTime)
		defer cancel()
		if s.control != nil {
			s.control.Close()
		}
		s.feed.Close() // who waits for events is answered now
		if s.live != nil {
			s.live.Close(ctx) // clients go to another server, or come back
		}
		for _, d := range s.doors {
			if err := d.server.Shutdown(ctx); err != nil {
				_ = d.server.Close()
			}
			<-d.done
		}
		if s.digest != nil {
			s.digest.stop()
		}
		if s.lanes != nil {
			s.lanes.stop()
		}
		if s.alerts != nil {
			s.alerts.Close()
		}
		s.space.watch.Load().Stop()
		if s.backend != nil {
			s.backend.Stop()
		}
		if s.asker != nil {
			s.asker.Close()
		}
		if s.store != nil {
			s.stopErr = s.store.Close()
		}
	})
	return s.stopErr
}

// Addr is the public address that is listened on.
func (s *Server) Addr() string { return s.addr(0) }

// AdminAddr is the admin address, "" without one.
func (s *Server) AdminAddr() string { return s.addr(1) }

func (s *Server) addr(i int) string {
	if i >= len(s.doors) {
		return ""
	}
	return s.doors[i].listener.Addr().String()
}

// AdminToken is the random token of the console; "" when a password was given.
func (s *Server) AdminToken() string {
	if s.console == nil || s.cfg.AdminPassword != "" {
		return ""
	}
	return s.console.Token()
}

// First is the app that this start made because there was none, else nil.
func (s *Server) First() *FirstApp { return s.first }

// Backend is the heart of a started server.
func (s *Server) Backend() *chat.Backend { return s.backend }

func (s *Server) ready(context.Context) error {
	if s.space.Room().State == chat.RoomCritical {
		return errors.New(s.fullness())
	}
	if !s.backend.Ready() {
		return errors.New("the store takes no writes")
	}
	return nil
}

// path names a file of the data folder.
func (s *Server) path(name string) string { return filepath.Join(s.cfg.Data, name) }
