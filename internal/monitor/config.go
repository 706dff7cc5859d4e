package monitor

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/pg"
)

// DefaultListen is the address of a monitor that is given none.
const DefaultListen = "127.0.0.1:8090"

// Config is what a monitor needs to know. It is not changed by New.
type Config struct {
	// Listen is host:port; empty is DefaultListen, port 0 any free port.
	Listen string
	// Data is the folder of a SQLite database; it is made if missing.
	Data string
	// Database is the URL of a PostgreSQL database, instead of Data. Several
	// monitors may share it.
	Database string
	// Keep is how long callbacks are kept, from their arrival on; 0 is for
	// ever. Totals stay. A callback that was removed and comes again is
	// recognised only if its sender sets Parley's headers.
	Keep time.Duration
	// TLSCert and TLSKey name PEM files; both or neither. They are read
	// again when they change.
	TLSCert, TLSKey string
	// Apps are the apps whose callbacks are accepted. At least one.
	Apps []App
	// Logger gets what an operator should know; nil discards it.
	Logger *slog.Logger
	// Registry gets the metrics and answers /metrics; nil makes one that
	// also tells of the process.
	Registry *prometheus.Registry
	// OnException is told of each exception that was not known before, after
	// its commit, one after another in the order of arrival. It holds up the
	// next commit, so it must be quick. It is not told of an exception whose
	// commit failed in a way that left open whether it is stored. May be nil.
	OnException func(Stored)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// App is one app of the IM backend.
type App struct {
	SdkAppid int64
	// CallbackTokens are the tokens that sign its callbacks, more than one
	// while a token is replaced. Without any, no signature is demanded.
	CallbackTokens []string
	// WebhookKeys verify the webhook-signature of its callbacks, more than one
	// while a key is replaced. Without any, none is demanded.
	WebhookKeys []callback.WebhookKey
	// Server is where events that were not called back are fetched; the zero
	// value is nowhere.
	Server Server
}

// Server is a Parley server whose journal is read.
type Server struct {
	URL      string // of its public address
	Token    string // read-only token of the app
	Endpoint string // whose events are wanted; empty is all
}

// Unsigned says that anybody can send callbacks of the app.
func (a App) Unsigned() bool { return len(a.CallbackTokens) == 0 && len(a.WebhookKeys) == 0 }

// validate returns every fault of c, joined, each naming its field.
func (c Config) validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if _, port, err := net.SplitHostPort(c.Listen); err != nil || port == "" {
		fault("listen: %q is not host:port", c.Listen)
	}
	switch {
	case c.Data != "" && c.Database != "":
		fault("data, database: give one of them")
	case c.Database != "":
		if err := pg.Check(c.Database); err != nil {
			fault("database: %w", err)
		}
	case c.Data == "":
		fault("data: a folder for the database is needed")
	case strings.ContainsRune(c.Data, 0):
		fault("data: the folder's name has a zero byte")
	}
	if c.Keep < 0 {
		fault("keep: %v is below 0", c.Keep)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		fault("tls-cert, tls-key: give both or neither")
	}
	if len(c.Apps) == 0 {
		fault("app: at least one app is needed, else every callback is refused")
	}
	seen := map[int64]bool{}
	for _, app := range c.Apps {
		if app.SdkAppid <= 0 {
			fault("app: SdkAppid %d is not a positive number", app.SdkAppid)
		}
		if seen[app.SdkAppid] {
			fault("app: SdkAppid %d is given twice", app.SdkAppid)
		}
		seen[app.SdkAppid] = true
		for _, token := range app.CallbackTokens {
			if token == "" {
				fault("callback-token: the token of app %d is empty", app.SdkAppid)
			}
		}
		for _, key := range app.WebhookKeys {
			if !key.CanSign() && !key.Asymmetric() {
				fault("webhook-key: a key of app %d is empty", app.SdkAppid)
			}
		}
		if server := app.Server; server != (Server{}) {
			if u, err := url.Parse(server.URL); err != nil || u.Host == "" {
				fault("server: the address of the server of app %d is none", app.SdkAppid)
			}
			if server.Token == "" {
				fault("server-token: app %d has none", app.SdkAppid)
			}
		}
	}
	return errors.Join(faults...)
}

// withDefaults returns c with every optional field set.
func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.OnException == nil {
		c.OnException = func(Stored) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}
