package console

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is what the console needs to know. It is not changed by New.
type Config struct {
	// Listen is the host:port that the admin address was given. A request may
	// name its host; "" or a host of all addresses (0.0.0.0, ::) lets it name
	// the address that it came in by.
	Listen string
	// Password is what the login asks for. Empty makes a random token; see
	// [Console.Token].
	Password string
	// TrustedProxies are the networks of the proxies that may forward requests
	// here, and are believed what they say of them.
	TrustedProxies []netip.Prefix
	// Gatherer answers /metrics. Required.
	Gatherer prometheus.Gatherer
	// Healthy and Ready say why the process is not alive, or takes no writes.
	// Their text is shown to anybody. nil is always well.
	Healthy, Ready func(context.Context) error
	// API answers what the page asks: the requests under /admin/api that passed
	// guard and login, with that prefix taken off. nil answers all with 404.
	API http.Handler
	// Logger gets logins and refusals, never a secret; nil discards them.
	Logger *slog.Logger
	// Now is the clock of sessions and of the limit on wrong secrets; nil is
	// time.Now.
	Now func() time.Time
}

// validate returns every fault of c, joined, each naming its field.
func (c Config) validate() error {
	var faults []error
	if c.Listen != "" {
		if _, _, err := net.SplitHostPort(c.Listen); err != nil {
			faults = append(faults, fmt.Errorf("admin-listen: %q is not host:port", c.Listen))
		}
	}
	for _, p := range c.TrustedProxies {
		if !p.IsValid() {
			faults = append(faults, errors.New("trusted-proxy: a network is empty"))
		}
	}
	if c.Gatherer == nil {
		faults = append(faults, errors.New("console: a gatherer of metrics is needed"))
	}
	return errors.Join(faults...)
}

// withDefaults returns c with every optional field set.
func (c Config) withDefaults() Config {
	well := func(context.Context) error { return nil }
	if c.Healthy == nil {
		c.Healthy = well
	}
	if c.Ready == nil {
		c.Ready = well
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Console answers the admin address. Make it with [New]; it may be used from
// any number of goroutines.
type Console struct {
	cfg      Config
	guard    guard
	token    string
	door     *door
	sessions *sessions
	handler  http.Handler
}

// New returns a console. The error lists every fault of cfg. It opens nothing
// and needs no end.
func New(cfg Config) (*Console, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	c := &Console{
		cfg:      cfg,
		guard:    newGuard(cfg.Listen, cfg.TrustedProxies),
		sessions: newSessions(cfg.Now),
	}
	secret := cfg.Password
	if secret == "" {
		c.token = rand.Text()
		secret = c.token
	}
	c.door = newDoor(secret, cfg.Now)
	c.handler = c.routes()
	return c, nil
}

// Token is the random secret that the login asks for, to be shown to the
// operator once; "" if there is a password. It is another one for each Console.
func (c *Console) Token() string { return c.token }

// Handler answers everything on the admin address. Its server should have a
// ReadHeaderTimeout; a WriteTimeout, if any, must be longer than the profiles
// asked for, which take 30 s unless told otherwise.
func (c *Console) Handler() http.Handler { return c.handler }
