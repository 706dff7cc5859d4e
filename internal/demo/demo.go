package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/app"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/config"
	"github.com/parley-im/parley/internal/monitor"
)

const (
	sdkAppID  = 1_400_000_001   // of the app that the crowd uses
	drainTime = 7 * time.Second // for the last answers and callbacks: the first retry of one comes within 5 s
	stopTime  = 2 * time.Second // for the monitor's last requests
	totalsGap = 10 * time.Second
	pageLook  = 20 * time.Millisecond // between two looks at the page's last sends
)

// Config says how a demonstration is given. Only Out is required.
type Config struct {
	// Listen, AdminListen and MonitorListen are the addresses, host:port, of
	// the server, its console and the monitor; empty is a free port on
	// loopback.
	Listen, AdminListen, MonitorListen string
	// ChatListen is the address of the chat page, likewise. It hands out
	// UserSigs, so it must be on loopback.
	ChatListen string
	// Duration ends the demonstration by itself; 0 goes on until ctx ends.
	Duration time.Duration
	// Out gets what is shown.
	Out io.Writer
	// Screen is set if Out is a terminal that understands control sequences.
	Screen *Screen
	// Log gets the logs of server and monitor; nil discards them. Warnings and
	// errors are shown in any case.
	Log io.Writer
}

// Screen is a terminal.
type Screen struct {
	Size    func() (columns, rows int) // asked again for each picture
	Colours bool
}

// Faults are what should not have been in a demonstration that ran to its end:
// refusals whose callback did not arrive, and counts that disagree. Each is one
// line.
type Faults []string

func (f Faults) Error() string { return strings.Join(f, "\n") }

// Run gives a demonstration until ctx ends or its time is over, and says what
// it did. It returns [Faults] if a refusal's callback did not arrive or the
// counts of crowd, server and monitor disagree, and another error if it could
// not be given. Whatever it started is stopped and its data removed before it
// returns.
func Run(ctx context.Context, c Config) error {
	var v view = &plainView{out: c.Out, every: totalsGap}
	if c.Screen != nil {
		v = &screenView{out: c.Out, size: c.Screen.Size, paint: palette{c.Screen.Colours}}
	}
	d := newDesk(v)
	d.start()
	r, err := c.perform(ctx, d)
	if shownErr := d.stop(); shownErr != nil {
		return errors.Join(err, fmt.Errorf("show the demonstration: %w", shownErr))
	}
	if err != nil {
		return err
	}
	if r == nil {
		_, err := io.WriteString(c.Out, "parley demo ended before it began\n")
		return err
	}
	if _, err := io.WriteString(c.Out, strings.Join(r.lines(), "\n")+"\n"); err != nil {
		return fmt.Errorf("show the demonstration: %w", err)
	}
	if faults := r.faults(); len(faults) > 0 {
		return Faults(faults)
	}
	return nil
}

// perform starts everything, lets the crowd talk, and stops everything. The
// result is nil if ctx ended before the crowd could begin.
func (c *Config) perform(ctx context.Context, d *desk) (r *result, err error) {
	folder, err := os.MkdirTemp("", "parley-demo-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the data: %w", err)
	}
	defer func() {
		if rmErr := os.RemoveAll(folder); rmErr != nil {
			err = errors.Join(err, fmt.Errorf("remove the data: %w", rmErr))
		}
	}()
	s, err := c.open(ctx, d, folder)
	defer func() { err = errors.Join(err, s.close()) }()
	if ctx.Err() != nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d.set(func(now *state) { now.monitor, now.console, now.chat = s.monitorPage(), s.console(), s.page.url() })
	d.note("monitor page: " + s.monitorPage())
	d.note("chat page: " + s.page.url() + " (app " + fmt.Sprint(pageAppID) + ")")
	d.note("server console: " + s.console() + " (token " + s.server.AdminToken() + ")")
	d.note(fmt.Sprintf("REST API: http://%s, app %d with %s in %s", s.server.Addr(), sdkAppID, plural(len(people), "user"), plural(len(rooms), "group")))
	d.note("")
	began := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if c.Duration > 0 {
		ctx, cancel = context.WithTimeout(ctx, c.Duration)
		defer cancel()
	}
	drain, expire := context.WithCancel(context.Background())
	defer expire()
	stop := context.AfterFunc(ctx, func() {
		d.set(func(now *state) { now.ending = true })
		time.AfterFunc(drainTime, expire)
	})
	defer stop()
	go func() {
		select {
		case <-d.broken:
			cancel()
		case <-ctx.Done():
		}
	}()
	(&crowd{world: s.world, hears: d}).run(ctx)

	d.wait(drain.Done())
	if err := s.endPage(d, drain.Done()); err != nil {
		return nil, err
	}
	r = &result{took: time.Since(began), data: folder}
	r.totals, r.missing, r.wrong = d.books()
	r.server, _ = s.server.Backend().Counts(sdkAppID)
	r.page, _ = s.server.Backend().Counts(pageAppID)
	r.pageCodes = d.pageCodes()
	r.monitor, err = s.summary()
	return r, err
}

// stage is everything that runs during a demonstration.
type stage struct {
	monitor *monitor.Monitor
	server  *app.Server
	world   *world
	guests  *world // the app of the chat page
	page    *page
	shown   slog.LevelVar // the least of the log that is shown
}

// open starts the server, then the monitor, which fetches from it what is not
// called back, then makes the world and has the server call the monitor. What is
// returned is to be closed, also with an error.
func (c *Config) open(ctx context.Context, d *desk, folder string) (*stage, error) {
	s := &stage{}
	s.shown.Set(slog.LevelWarn)
	log := c.logger(d, &s.shown)
	key, pageKey, token := chat.NewAppKey(), chat.NewAppKey(), rand.Text()
	rate := pageRate
	server := app.NewServer(config.Serve{
		Listen: orLoopback(c.Listen), AdminListen: orLoopback(c.AdminListen), Data: filepath.Join(folder, "server"),
		Apps: []config.App{
			{ID: sdkAppID, Key: key, Change: api.AppChange{Admins: []string{admin}}},
			{ID: pageAppID, Key: pageKey, Change: api.AppChange{Admins: []string{admin}, GroupRate: &rate}},
		},
		Operator: true,
	}, log.With("part", "server"), nil)
	if err := server.Start(ctx); err != nil {
		return s, err
	}
	s.server = server
	s.world = newWorld("http://"+reachable(server.Addr()), sdkAppID, key)
	s.guests = newWorld(s.world.client.BaseURL, pageAppID, pageKey)
	apps, err := s.watched(ctx, token)
	if err != nil {
		return s, err
	}
	m, err := monitor.New(monitor.Config{
		Listen: orLoopback(c.MonitorListen), Data: filepath.Join(folder, "monitor"), Logger: log.With("part", "monitor"),
		Apps: apps, OnException: d.exception,
	})
	if err != nil {
		return s, err
	}
	if err := m.Start(ctx); err != nil {
		return s, err
	}
	s.monitor = m
	callbackURL := "http://" + reachable(m.Addr()) + "/callback"
	for _, w := range []*world{s.world, s.guests} {
		if _, err := w.client.UpdateApp(ctx, w.client.SDKAppID, api.AppChange{CallbackURL: &callbackURL, CallbackToken: &token}); err != nil {
			return s, fmt.Errorf("have the server call the monitor: %w", err)
		}
	}
	if err := s.world.settle(ctx); err != nil {
		return s, fmt.Errorf("prepare the app: %w", err)
	}
	if err := s.guests.furnish(ctx); err != nil {
		return s, fmt.Errorf("prepare the app of the chat page: %w", err)
	}
	s.page, err = openPage(orLoopback(c.ChatListen), hello{
		Server: s.world.client.BaseURL, SDKAppID: pageAppID, Monitor: s.monitorPage(), Console: s.console(),
	}, pageKey, log.With("part", "page"))
	return s, err
}

// watched are the apps as the monitor is to know them, each with a token to read
// its journal.
func (s *stage) watched(ctx context.Context, token string) ([]monitor.App, error) {
	var apps []monitor.App
	for _, w := range []*world{s.world, s.guests} {
		reader, err := w.client.AddToken(ctx, "monitor")
		if err != nil {
			return nil, fmt.Errorf("make a token for the monitor: %w", err)
		}
		apps = append(apps, monitor.App{
			SdkAppid: w.client.SDKAppID, CallbackTokens: []string{token},
			Server: monitor.Server{URL: w.client.BaseURL, Token: reader.Secret},
		})
	}
	return apps, nil
}

// endPage lets nobody send from the chat page any more, and waits until what was
// sent has an outcome and what was refused has arrived, or until timeout is
// closed. The users are shut out by another key: the page that could sign with
// it is gone.
func (s *stage) endPage(d *desk, timeout <-chan struct{}) error {
	if err := s.page.close(); err != nil {
		return fmt.Errorf("end the chat page: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	if _, err := s.world.client.RotateKey(ctx, pageAppID); err != nil {
		return fmt.Errorf("shut out the users of the chat page: %w", err)
	}
	tick := time.NewTicker(pageLook)
	defer tick.Stop()
	for {
		n, _ := s.server.Backend().Counts(pageAppID)
		if outcomes(n) == n.Attempts && arrived(d.pageCodes()) >= int(n.Refused) {
			return nil
		}
		select {
		case <-tick.C:
		case <-timeout:
			return nil
		}
	}
}

// close stops what open started: the server before the monitor it calls. That the
// monitor cannot read from it then is no news.
func (s *stage) close() error {
	var faults []error
	s.shown.Set(slog.LevelError)
	if s.page != nil {
		faults = append(faults, s.page.close())
	}
	for _, w := range []*world{s.world, s.guests} {
		if w != nil {
			w.close()
		}
	}
	if s.server != nil {
		faults = append(faults, s.server.Stop())
	}
	if s.monitor != nil {
		ctx, cancel := context.WithTimeout(context.Background(), stopTime)
		defer cancel()
		faults = append(faults, s.monitor.Stop(ctx))
	}
	return errors.Join(faults...)
}

func (s *stage) monitorPage() string { return "http://" + reachable(s.monitor.Addr()) + "/" }
func (s *stage) console() string     { return "http://" + reachable(s.server.AdminAddr()) + "/admin/" }

// summary asks the monitor's API what it keeps.
func (s *stage) summary() (sum monitor.Summary, err error) {
	response, err := s.world.http.Get(s.monitorPage() + "api/summary")
	if err != nil {
		return sum, fmt.Errorf("ask the monitor for its totals: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return sum, fmt.Errorf("ask the monitor for its totals: HTTP status %s", response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(&sum); err != nil {
		return sum, fmt.Errorf("ask the monitor for its totals: %w", err)
	}
	return sum, nil
}

// logger writes everything to the log, and what is of the least level that is
// shown to the desk.
func (c *Config) logger(d *desk, least *slog.LevelVar) *slog.Logger {
	shown := slog.NewTextHandler(d, &slog.HandlerOptions{Level: least})
	if c.Log == nil {
		return slog.New(shown)
	}
	return slog.New(slog.NewMultiHandler(slog.NewTextHandler(c.Log, &slog.HandlerOptions{Level: slog.LevelDebug}), shown))
}

func orLoopback(address string) string {
	if address == "" {
		return "127.0.0.1:0"
	}
	return address
}

// reachable is an address that a program on this machine can call: one that is
// listened on everywhere stands for loopback.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsUnspecified() {
		return address
	}
	return net.JoinHostPort("localhost", port)
}
